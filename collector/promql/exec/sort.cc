#include "collector/promql/exec/sort.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "collector/promql/exec/evaluator.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {

absl::Status EvaluateSort(Context& context, const parse::Expr& vector, bool descending, Emit emit) {
  std::vector<StepSeries> all;
  uint64_t held = 0;
  LL_RETURN_IF_ERROR(Evaluator(context).Vector(vector, "", [&](StepSeries series) {
    series.histograms.clear();
    if (!series.HasAny()) return absl::OkStatus();
    if (context.steps() > 1) return emit(std::move(series));
    all.push_back(std::move(series));
    ++held;
    return context.budget.Charge(1);
  }));
  std::stable_sort(all.begin(), all.end(), [descending](const StepSeries& a, const StepSeries& b) {
    const double left = a.values.front();
    const double right = b.values.front();
    if (std::isnan(left) || std::isnan(right)) return !std::isnan(left) && std::isnan(right);
    return descending ? left > right : left < right;
  });
  context.budget.Release(held);
  for (StepSeries& series : all) LL_RETURN_IF_ERROR(emit(std::move(series)));
  return absl::OkStatus();
}

}  // namespace leadline::collector::promql::exec
