// limitk and limit_ratio: some of the series of each group, whatever their values are.
//
// Nothing is held but counts: a series is kept or not as it comes. limitk keeps the first k that
// have a value at a step. limit_ratio keeps those whose labels' hash is in the part of all hashes
// that the ratio says: the same ones at every step and in every query, and for r and r - 1 each
// exactly once.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/grouping.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

class LimitK {
 public:
  // `k` has a value a step; below 1 there is nothing at that step.
  LimitK(Context& context, const parse::Aggregate& aggregate, std::vector<int64_t> k)
      : grouping_(context.budget, aggregate.without, aggregate.labels),
        k_(std::move(k)),
        held_(context.budget) {}

  absl::Status Add(StepSeries series, Emit emit);

 private:
  Grouping grouping_;
  const std::vector<int64_t> k_;
  std::vector<std::vector<int64_t>> taken_;  // of each group at each step
  Holding held_;
};

// Clears the steps of the series at which it is not among those that `ratio`, which has a value a
// step from -1 to 1, leaves. Below 0 it leaves the last -ratio of all, which those of ratio + 1 are
// not.
void LimitRatio(const std::vector<double>& ratio, StepSeries& series);

// Ratios as they are used: those beyond -1 and 1 become these, with a warning. FAILED_PRECONDITION
// where one is NaN.
absl::Status CapRatios(std::vector<double>& ratio, const Remarker& remarker);

}  // namespace leadline::collector::promql::exec
