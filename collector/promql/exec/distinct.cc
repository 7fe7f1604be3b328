#include "collector/promql/exec/distinct.h"

#include <fmt/format.h>

#include "collector/promql/plan/collisions.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {

absl::Status Distinct::Add(StepSeries series) {
  LabelSet labels = series.VisibleLabels();
  const auto [found, is_new] = by_labels_.try_emplace(std::move(labels), series_.size());
  if (is_new) {
    LL_RETURN_IF_ERROR(context_.budget.Charge(series.sample_count()));
    held_ += series.sample_count();
    series_.push_back(std::move(series));
    return absl::OkStatus();
  }
  StepSeries& joined = series_[found->second];
  for (size_t step = 0; step < series.values.size(); ++step) {
    if (!series.has(step)) continue;
    if (joined.has(step)) {
      return absl::FailedPreconditionError(fmt::format("{}", collision_));
    }
    joined.values[step] = series.values[step];
    if (series.histogram(step) != nullptr) joined.SetHistogram(step, series.histograms[step]);
  }
  return absl::OkStatus();
}

absl::Status Distinct::Finish(Emit emit) {
  context_.budget.Release(held_);
  for (StepSeries& series : series_) LL_RETURN_IF_ERROR(emit(std::move(series)));
  return absl::OkStatus();
}

absl::Status EmitDistinct(Context& context, const parse::Expr& input, Emit emit,
                          absl::FunctionRef<absl::Status(Emit)> operation) {
  if (!plan::MayCollide(input)) return operation(emit);
  Distinct distinct(context);
  LL_RETURN_IF_ERROR(operation([&](StepSeries series) { return distinct.Add(std::move(series)); }));
  return distinct.Finish(emit);
}

}  // namespace leadline::collector::promql::exec
