// Lets queries through to another Queryable once it is open.
//
// Threading: any thread. Ownership: the other one outlives it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/store.h"
#include "common/mutex.h"

namespace leadline::collector::store::engine {

class Gate final : public Queryable {
 public:
  explicit Gate(const Queryable& behind) : behind_(behind) {}

  // What queries are answered until it is opened. REQUIRES: not OK.
  void SayClosed(absl::Status why) ABSL_LOCKS_EXCLUDED(mutex_);
  void Open() { open_ = true; }
  // OK when it is open.
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mutex_);

  absl::StatusOr<std::unique_ptr<Selection>> Find(std::string_view tenant,
                                                  absl::Span<const Matcher> matchers,
                                                  const SelectHints& hints) const override;
  absl::Status UseLabelNames(std::string_view tenant, const SeriesFilter& filter,
                             TakeTexts take) const override;
  absl::Status UseLabelValues(std::string_view tenant, std::string_view name,
                              const SeriesFilter& filter, TakeTexts take) const override;
  absl::Status UseSeries(std::string_view tenant, const SeriesFilter& filter,
                         TakeSeries take) const override;
  absl::StatusOr<std::vector<model::EntityVersion>> EntitiesAt(std::string_view tenant,
                                                               int64_t t_ms) const override;
  absl::StatusOr<std::vector<model::Record>> Records(std::string_view tenant,
                                                     const RecordFilter& filter) const override;
  std::vector<std::string> Gaps(int64_t start_ms, int64_t end_ms) const override;

 private:
  const Queryable& behind_;
  std::atomic<bool> open_{false};
  mutable Mutex mutex_;
  absl::Status why_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("the store is starting");
};

}  // namespace leadline::collector::store::engine
