// The reader, going on without what is damaged: where a query finds a damaged window, the window is
// taken out of sight, to be moved to quarantine by the next flush, and the question is asked again.
// What was found already cannot be: reading it ends with DATA_LOSS, and who asks anew gets the
// rest.
//
// So one damaged block costs its window, not every query of its day. Gaps says what is missing, of
// the log too. Threading: any thread. Ownership: the arguments outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/engine/log_gaps.h"
#include "collector/store/engine/window_set.h"
#include "collector/store/store.h"

namespace leadline::collector::store::engine {

class GuardedReader final : public Queryable {
 public:
  GuardedReader(const Queryable& reader, WindowSet& windows, const LogGaps& log_gaps)
      : reader_(reader), windows_(windows), log_gaps_(log_gaps) {}

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
  const Queryable& reader_;
  WindowSet& windows_;
  const LogGaps& log_gaps_;
};

}  // namespace leadline::collector::store::engine
