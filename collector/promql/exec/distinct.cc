#include "collector/promql/exec/distinct.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {

bool MayCollide(const parse::Expr& expr) {
  using parse::As;
  using parse::ExprKind;
  switch (expr.kind) {
    case ExprKind::kVectorSelector: {
      const auto& matchers = As<parse::VectorSelector>(expr).matchers;
      return std::none_of(matchers.begin(), matchers.end(), [](const parse::LabelMatcher& m) {
        return m.name == kMetricName && m.op == parse::LabelMatcher::Op::kEqual;
      });
    }
    case ExprKind::kMatrixSelector:
      return MayCollide(*As<parse::MatrixSelector>(expr).selector);
    case ExprKind::kParen:
      return MayCollide(*As<parse::Paren>(expr).inner);
    case ExprKind::kUnary: {
      const auto& unary = As<parse::Unary>(expr);
      return !unary.negate && MayCollide(*unary.inner);
    }
    case ExprKind::kBinary: {
      // Where it drops names its own result has been made distinct.
      const auto& binary = As<parse::Binary>(expr);
      return !binary.returns_bool &&
             (parse::IsComparison(binary.op) || parse::IsSetOperator(binary.op) ||
              parse::IsTrimming(binary.op));
    }
    case ExprKind::kNumber:
    case ExprKind::kString:
      return false;
    default:
      return true;
  }
}

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
  if (!MayCollide(input)) return operation(emit);
  Distinct distinct(context);
  LL_RETURN_IF_ERROR(operation([&](StepSeries series) { return distinct.Add(std::move(series)); }));
  return distinct.Finish(emit);
}

}  // namespace leadline::collector::promql::exec
