#include "collector/store/engine/gate.h"

#include <utility>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {

void Gate::SayClosed(absl::Status why) {
  MutexLock lock(mutex_);
  why_ = std::move(why);
}

absl::Status Gate::status() const {
  if (open_) return absl::OkStatus();
  MutexLock lock(mutex_);
  return why_;
}

absl::StatusOr<std::unique_ptr<Selection>> Gate::Find(std::string_view tenant,
                                                      absl::Span<const Matcher> matchers,
                                                      const SelectHints& hints) const {
  LL_RETURN_IF_ERROR(status());
  return behind_.Find(tenant, matchers, hints);
}

absl::Status Gate::UseLabelNames(std::string_view tenant, const SeriesFilter& filter,
                                 TakeTexts take) const {
  LL_RETURN_IF_ERROR(status());
  return behind_.UseLabelNames(tenant, filter, take);
}

absl::Status Gate::UseLabelValues(std::string_view tenant, std::string_view name,
                                  const SeriesFilter& filter, TakeTexts take) const {
  LL_RETURN_IF_ERROR(status());
  return behind_.UseLabelValues(tenant, name, filter, take);
}

absl::Status Gate::UseSeries(std::string_view tenant, const SeriesFilter& filter,
                             TakeSeries take) const {
  LL_RETURN_IF_ERROR(status());
  return behind_.UseSeries(tenant, filter, take);
}

absl::StatusOr<std::vector<model::EntityVersion>> Gate::EntitiesAt(std::string_view tenant,
                                                                   int64_t t_ms) const {
  LL_RETURN_IF_ERROR(status());
  return behind_.EntitiesAt(tenant, t_ms);
}

absl::StatusOr<std::vector<model::Record>> Gate::Records(std::string_view tenant,
                                                         const RecordFilter& filter) const {
  LL_RETURN_IF_ERROR(status());
  return behind_.Records(tenant, filter);
}

std::vector<std::string> Gate::Gaps(int64_t start_ms, int64_t end_ms) const {
  return open_ ? behind_.Gaps(start_ms, end_ms) : std::vector<std::string>();
}

}  // namespace leadline::collector::store::engine
