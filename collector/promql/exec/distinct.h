// Series must differ in their labels: what to do when they no longer do because one was changed.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/label_key.h"
#include "collector/promql/exec/series.h"

namespace leadline::collector::promql::exec {

inline constexpr std::string_view kSameLabels =
    "vector cannot contain metrics with the same labelset";

// Joins series with equal labels that have no step in common. FAILED_PRECONDITION where two have
// one. A name that is dropped at the query's end tells them apart until then.
class Distinct {
 public:
  // `collision` is the text of the error.
  explicit Distinct(Context& context, std::string_view collision = kSameLabels)
      : held_(context.budget), collision_(collision) {}
  absl::Status Add(StepSeries series);
  absl::Status Finish(Emit emit);

 private:
  Holding held_;
  const std::string_view collision_;
  LabelKeyMap<size_t> by_labels_;
  LabelKeyMap<size_t> by_labels_hidden_name_;  // of those that will lose their name
  std::vector<StepSeries> series_;
};

}  // namespace leadline::collector::promql::exec
