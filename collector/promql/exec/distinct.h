// Series must differ in their labels: what to do when they no longer do because the metric's name
// was dropped.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/label_key.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// Joins series with equal visible labels that have no step in common. FAILED_PRECONDITION where two
// have one.
class Distinct {
 public:
  // `collision` is the text of the error.
  explicit Distinct(Context& context, std::string_view collision = kSameLabels)
      : context_(context), collision_(collision) {}
  absl::Status Add(StepSeries series);
  absl::Status Finish(Emit emit);

 private:
  static constexpr std::string_view kSameLabels =
      "vector cannot contain metrics with the same labelset";

  Context& context_;
  const std::string_view collision_;
  LabelKeyMap<size_t> by_labels_;
  std::vector<StepSeries> series_;
  uint64_t held_ = 0;  // charged to the budget
};

// Runs `operation` so that what it emits has no labels twice: directly where `input`, whose
// series' names it drops, cannot collide, else through a Distinct.
absl::Status EmitDistinct(Context& context, const parse::Expr& input, Emit emit,
                          absl::FunctionRef<absl::Status(Emit)> operation);

}  // namespace leadline::collector::promql::exec
