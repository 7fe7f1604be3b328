// Range vectors: selectors with a range, and subqueries; and functions over their windows.
//
// At t a window holds the samples in (t - range, t], without staleness markers. Source: Prometheus
// 3, which leaves the left end out.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/functions/function.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// The steps of a subquery that names none.
inline constexpr int64_t kDefaultSubqueryStepMs = 60'000;

// The samples of one series that any step's window sees, in time order.
struct RangeSeries {
  std::shared_ptr<const LabelSet> labels;
  bool name_dropped = false;
  int64_t entity_start_ms = 0;
  int64_t entity_end_ms = model::kOpenEnd;
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
  std::vector<int64_t> histogram_ts_ms;
  std::vector<std::shared_ptr<const Histogram>> histograms;

  uint64_t sample_count() const { return ts_ms.size() + histogram_ts_ms.size(); }
};

// Hands each series of the range vector to `use`, none without samples. `parent`: the function over
// it, or "".
absl::Status SelectRange(Context& context, const parse::Expr& range_vector, std::string_view parent,
                         absl::FunctionRef<absl::Status(RangeSeries)> use);

// For each series its value at each step. `parameters`: scalar arguments, each with a value a step.
// Does not look at whether labels are distinct.
absl::Status EvaluateRange(Context& context, const parse::Expr& range_vector,
                           const Function& function, RangeFunction::Kernel kernel,
                           const std::vector<std::vector<double>>& parameters, Emit emit);

// The samples themselves, of an instant query.
absl::StatusOr<std::vector<ResultSeries>> SelectRaw(Context& context,
                                                    const parse::Expr& range_vector);

}  // namespace leadline::collector::promql::exec
