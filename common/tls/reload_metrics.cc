#include "common/tls/reload_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

namespace leadline::tls {

ReloadMetrics::ReloadMetrics(prometheus::Registry& registry, const std::string& prefix,
                             const std::string& what) {
  auto& family = prometheus::BuildCounter()
                     .Name(prefix + "_credential_reloads_total")
                     .Help(
                         "Changed files of certificates or tokens that were read, by outcome; "
                         "after a failure the former stay in use.")
                     .Register(registry);
  reloaded_ = &family.Add({{"what", what}, {"outcome", "ok"}});
  failed_ = &family.Add({{"what", what}, {"outcome", "failed"}});
}

void ReloadMetrics::Reloaded(bool ok) { (ok ? reloaded_ : failed_)->Increment(); }

}  // namespace leadline::tls
