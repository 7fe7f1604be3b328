// How often files of keys or tokens were read anew, and whether that went well. Thread-safe.
#pragma once

#include <string>

namespace prometheus {
class Counter;
class Registry;
}  // namespace prometheus

namespace leadline::tls {

class ReloadMetrics {
 public:
  // <prefix>_credential_reloads_total by `what` ("http_tokens") and outcome. The registry outlives
  // the object.
  ReloadMetrics(prometheus::Registry& registry, const std::string& prefix, const std::string& what);

  void Reloaded(bool ok);

 private:
  prometheus::Counter* reloaded_;
  prometheus::Counter* failed_;
};

}  // namespace leadline::tls
