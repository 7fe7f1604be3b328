// Aggregations that need all values of a group at once: quantile and count_values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/grouping.h"
#include "collector/promql/exec/label_key.h"
#include "collector/promql/exec/series.h"

namespace leadline::collector::promql::exec {

class GroupQuantile {
 public:
  // `q` has a value a step.
  GroupQuantile(Context& context, const parse::Aggregate& aggregate, std::vector<double> q);

  absl::Status Add(StepSeries series);
  absl::Status Finish(Emit emit);

 private:
  using Values = std::vector<double>;  // of one series, one a step

  Holding held_;
  const Remarker remarker_;
  Grouping grouping_;
  const std::vector<double> q_;
  std::vector<std::vector<Values>> groups_;
};

// How many series of a group have each value, which becomes the label `label`.
class CountValues {
 public:
  CountValues(Context& context, bool without, std::vector<std::string> labels, std::string label);

  absl::Status Add(const StepSeries& series);
  absl::Status Finish(Emit emit);

 private:
  absl::Status Count(LabelSet labels, size_t step, bool name_dropped);

  const size_t steps_;
  Holding held_;
  const bool without_;
  const std::vector<std::string> labels_;  // sorted
  const std::string label_;
  const bool keeps_label_;
  LabelKeyMap<size_t> by_labels_;
  std::vector<StepSeries> counts_;
};

}  // namespace leadline::collector::promql::exec
