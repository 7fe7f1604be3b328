// Range vectors: selectors with a range, and subqueries; and functions over their windows.
//
// At t a window holds the samples in (t - range, t], without staleness markers. Source: Prometheus
// 3, which leaves the left end out.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/functions/function.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// The steps of a subquery that names none.
inline constexpr int64_t kDefaultSubqueryStepMs = 60'000;

// For each series its value at each step. `parameters`: scalar arguments, each with a value a step.
// Does not look at whether labels are distinct.
absl::Status EvaluateRange(Context& context, const parse::Expr& range_vector,
                           const RangeFunction& function,
                           const std::vector<std::vector<double>>& parameters, Emit emit);

// The samples themselves, of an instant query.
absl::StatusOr<std::vector<ResultSeries>> SelectRaw(Context& context,
                                                    const parse::Expr& range_vector);

}  // namespace leadline::collector::promql::exec
