// The running value of one group of an aggregation, at every step.
//
// Source: Prometheus 3's aggregation operators: sums with Kahan and Neumaier's compensation, means
// that do not overflow, NaN as the least of values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

class Accumulator {
 public:
  virtual ~Accumulator() = default;
  // RESOURCE_EXHAUSTED where it would hold more than the budget allows.
  virtual absl::Status Add(const StepSeries& series) = 0;
  // The values into `result`, which has none yet. Called once.
  virtual void Finish(StepSeries& result) = 0;
};

// `remarker` and `budget`, which it charges for what it keeps of steps, must outlive it. nullptr
// for an operator that does not give one value a group (topk).
std::unique_ptr<Accumulator> MakeAccumulator(parse::AggregateOp op, size_t steps,
                                             const Remarker& remarker, Budget& budget);
// What it takes of memory besides, about.
inline constexpr uint64_t kAccumulatorBytes = 256;

}  // namespace leadline::collector::promql::exec
