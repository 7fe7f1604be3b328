#include "collector/promql/exec/evaluator.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "collector/promql/exec/accumulator.h"
#include "collector/promql/exec/binary.h"
#include "collector/promql/exec/calls.h"
#include "collector/promql/exec/gather.h"
#include "collector/promql/exec/grouping.h"
#include "collector/promql/exec/limit.h"
#include "collector/promql/exec/place.h"
#include "collector/promql/exec/selector.h"
#include "collector/promql/exec/topk.h"
#include "collector/promql/exec/vector_match.h"
#include "collector/promql/parse/print.h"
#include "collector/promql/plan/plan.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::As;
using parse::ExprKind;

// The k of topk at each step: truncated; FAILED_PRECONDITION where it is no such number.
absl::StatusOr<std::vector<int64_t>> ToCounts(const std::vector<double>& values) {
  constexpr double kLimit = 9.2e18;
  std::vector<int64_t> counts;
  counts.reserve(values.size());
  for (const double value : values) {
    if (std::isnan(value)) return absl::FailedPreconditionError("Parameter value is NaN");
    if (value >= kLimit || value <= -kLimit) {
      return absl::FailedPreconditionError(fmt::format("Scalar value {} {} int64",
                                                       parse::PrintNumber(value),
                                                       value > 0 ? "overflows" : "underflows"));
    }
    counts.push_back(static_cast<int64_t>(value));
  }
  return counts;
}

}  // namespace

absl::StatusOr<std::vector<double>> Evaluator::Scalar(const parse::Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      LL_RETURN_IF_ERROR(ChargeScalar());
      return std::vector<double>(context_.steps(), As<parse::NumberLiteral>(expr).value);
    case ExprKind::kParen:
      return Scalar(*As<parse::Paren>(expr).inner);
    case ExprKind::kUnary: {
      const auto& unary = As<parse::Unary>(expr);
      LL_ASSIGN_OR_RETURN(std::vector<double> values, Scalar(*unary.inner));
      if (unary.negate) {
        for (double& value : values) value = -value;
      }
      return values;
    }
    case ExprKind::kBinary: {
      const auto& binary = As<parse::Binary>(expr);
      LL_ASSIGN_OR_RETURN(std::vector<double> left, Scalar(*binary.left));
      LL_ASSIGN_OR_RETURN(const std::vector<double> right, Scalar(*binary.right));
      for (size_t step = 0; step < left.size(); ++step) {
        left[step] = ApplyFloats(binary.op, left[step], right[step]);
      }
      return left;
    }
    case ExprKind::kCall:
      LL_RETURN_IF_ERROR(ChargeScalar());
      return CallScalar(context_, As<parse::Call>(expr));
    default:
      return absl::InternalError("expression is no scalar");
  }
}

absl::Status Evaluator::ChargeScalar() {
  LL_RETURN_IF_ERROR(context_.budget.Charge(context_.steps()));
  context_.scalar_samples += context_.steps();
  return absl::OkStatus();
}

absl::Status Evaluator::Vector(const parse::Expr& expr, std::string_view parent, Emit emit) {
  // The scalars that the operator asks for are gone when it has ended.
  const uint64_t before = context_.scalar_samples;
  absl::Status status = Traced(expr, parent, emit);
  context_.budget.Release(context_.scalar_samples - before);
  context_.scalar_samples = before;
  return status;
}

absl::Status Evaluator::Traced(const parse::Expr& expr, std::string_view parent, Emit emit) {
  if (context_.trace == nullptr) return Dispatch(expr, parent, emit);
  Trace::Node& node = context_.trace->Of(expr);
  ++node.evaluations;
  const Trace::At here(context_.trace, &node);
  return Dispatch(expr, parent, [&](StepSeries series) {
    ++node.series;
    const Trace::At back(context_.trace, here.before());
    return emit(std::move(series));
  });
}

absl::Status Evaluator::Dispatch(const parse::Expr& expr, std::string_view parent, Emit emit) {
  if (context_.steps() > 1 && context_.plan->IsFixed(expr)) return Fixed(expr, parent, emit);
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      return SelectInstant(context_, As<parse::VectorSelector>(expr), What::kValues, emit);
    case ExprKind::kParen:
      return Vector(*As<parse::Paren>(expr).inner, parent, emit);
    case ExprKind::kUnary:
      return Negate(As<parse::Unary>(expr), emit);
    case ExprKind::kBinary:
      return Binary(As<parse::Binary>(expr), emit);
    case ExprKind::kAggregate:
      return Aggregate(As<parse::Aggregate>(expr), emit);
    case ExprKind::kCall:
      return CallVector(context_, As<parse::Call>(expr), emit);
    default:
      return absl::InternalError("expression is no instant vector");
  }
}

absl::Status Evaluator::Fixed(const parse::Expr& expr, std::string_view parent, Emit emit) {
  const size_t steps = context_.steps();
  Holding held(context_.budget);
  std::vector<StepSeries> once;
  LookedAt looked_at(1);
  {
    const OtherSteps one_step(context_, context_.start_ms, context_.start_ms, 0,
                              context_.looked_at == nullptr ? nullptr : &looked_at);
    LL_RETURN_IF_ERROR(Dispatch(expr, parent, [&](StepSeries series) {
      LL_RETURN_IF_ERROR(held.Add(series.sample_count(), series.other_bytes()));
      once.push_back(std::move(series));
      return absl::OkStatus();
    }));
  }
  if (context_.looked_at != nullptr) context_.looked_at->AddToEach(looked_at.total());
  for (StepSeries& one : once) {
    held.GiveBack(one.sample_count(), one.other_bytes());
    const BudgetShare expanded(context_.budget, steps * (one.histograms.empty() ? 1 : 2));
    LL_RETURN_IF_ERROR(expanded.status());
    StepSeries series(0);
    series.labels = std::move(one.labels);
    series.name_dropped = one.name_dropped;
    series.values.assign(steps, one.values.front());
    if (!one.histograms.empty()) series.histograms.assign(steps, one.histograms.front());
    LL_RETURN_IF_ERROR(context_.CheckTime());
    LL_RETURN_IF_ERROR(emit(std::move(series)));
  }
  return absl::OkStatus();
}

absl::Status Evaluator::Negate(const parse::Unary& unary, Emit emit) {
  if (!unary.negate) return Vector(*unary.inner, "", emit);
  LL_RETURN_IF_ERROR(ChargeScalar());
  const std::vector<double> minus_one(context_.steps(), -1);
  const ElementOperator times(parse::BinaryOp::kMul, false, ElementOperator::Kept::kLeft,
                              RemarkerOn(context_, unary));
  return Vector(*unary.inner, "", [&](StepSeries series) {
    ApplyScalar(times, minus_one, false, series);
    return emit(std::move(series));
  });
}

absl::Status Evaluator::Binary(const parse::Binary& binary, Emit emit) {
  if (binary.left->type == ValueType::kScalar || binary.right->type == ValueType::kScalar) {
    return VectorAndScalar(binary, emit);
  }
  const auto left = [&](Emit add) { return Vector(*binary.left, "", add); };
  const auto right = [&](Emit add) { return Vector(*binary.right, "", add); };
  return parse::IsSetOperator(binary.op) ? CombineSets(context_, binary, left, right, emit)
                                         : MatchVectors(context_, binary, left, right, emit);
}

absl::Status Evaluator::VectorAndScalar(const parse::Binary& binary, Emit emit) {
  const bool scalar_is_left = binary.left->type == ValueType::kScalar;
  const parse::Expr& vector = scalar_is_left ? *binary.right : *binary.left;
  LL_ASSIGN_OR_RETURN(const std::vector<double> scalar,
                      Scalar(scalar_is_left ? *binary.left : *binary.right));
  // A comparison keeps the vector's value.
  const ElementOperator op(
      binary.op, binary.returns_bool,
      scalar_is_left ? ElementOperator::Kept::kRight : ElementOperator::Kept::kLeft,
      RemarkerOn(context_, binary));
  return Vector(vector, "", [&](StepSeries series) {
    ApplyScalar(op, scalar, scalar_is_left, series);
    return series.HasAny() ? emit(std::move(series)) : absl::OkStatus();
  });
}

absl::Status Evaluator::Aggregate(const parse::Aggregate& aggregate, Emit emit) {
  if (aggregate.op == parse::AggregateOp::kTopk || aggregate.op == parse::AggregateOp::kBottomk) {
    return SelectBest(aggregate, emit);
  }
  if (aggregate.op == parse::AggregateOp::kQuantile) return QuantileOf(aggregate, emit);
  if (aggregate.op == parse::AggregateOp::kCountValues) return CountValuesOf(aggregate, emit);
  if (aggregate.op == parse::AggregateOp::kLimitk) return SelectFirst(aggregate, emit);
  if (aggregate.op == parse::AggregateOp::kLimitRatio) return SelectShare(aggregate, emit);
  const Remarker remarker = RemarkerOn(context_, *aggregate.inner);
  Grouping grouping(context_.budget, aggregate.without, aggregate.labels);
  Holding held(context_.budget);  // beside what groups hold
  std::vector<std::unique_ptr<Accumulator>> groups;
  LL_RETURN_IF_ERROR(
      Vector(*aggregate.inner, parse::AggregateOpName(aggregate.op), [&](const StepSeries& series) {
        LL_ASSIGN_OR_RETURN(const size_t group, grouping.GroupOf(series));
        if (group == groups.size()) {
          LL_RETURN_IF_ERROR(held.AddLittle(kAccumulatorBytes));
          groups.push_back(
              MakeAccumulator(aggregate.op, context_.steps(), remarker, context_.budget));
        }
        return groups[group]->Add(series);
      }));
  const BudgetShare of_one(context_.budget, groups.empty() ? 0 : context_.steps());
  LL_RETURN_IF_ERROR(of_one.status());
  for (size_t group = 0; group < groups.size(); ++group) {
    StepSeries series(context_.steps());
    series.labels = grouping.labels(group);
    series.name_dropped = grouping.name_dropped(group);
    groups[group]->Finish(series);
    groups[group].reset();
    if (series.HasAny()) LL_RETURN_IF_ERROR(emit(std::move(series)));
  }
  return absl::OkStatus();
}

absl::Status Evaluator::SelectBest(const parse::Aggregate& aggregate, Emit emit) {
  LL_ASSIGN_OR_RETURN(const std::vector<double> parameter, Scalar(*aggregate.parameter));
  LL_ASSIGN_OR_RETURN(std::vector<int64_t> k, ToCounts(parameter));
  TopK best(context_, aggregate, std::move(k));
  LL_RETURN_IF_ERROR(Vector(*aggregate.inner, parse::AggregateOpName(aggregate.op),
                            [&](StepSeries series) { return best.Add(std::move(series)); }));
  return best.Finish(emit);
}

absl::Status Evaluator::SelectFirst(const parse::Aggregate& aggregate, Emit emit) {
  LL_ASSIGN_OR_RETURN(const std::vector<double> parameter, Scalar(*aggregate.parameter));
  LL_ASSIGN_OR_RETURN(std::vector<int64_t> k, ToCounts(parameter));
  LimitK limit(context_, aggregate, std::move(k));
  return Vector(*aggregate.inner, parse::AggregateOpName(aggregate.op),
                [&](StepSeries series) { return limit.Add(std::move(series), emit); });
}

absl::Status Evaluator::SelectShare(const parse::Aggregate& aggregate, Emit emit) {
  LL_ASSIGN_OR_RETURN(std::vector<double> ratio, Scalar(*aggregate.parameter));
  LL_RETURN_IF_ERROR(CapRatios(ratio, RemarkerOn(context_, *aggregate.parameter)));
  return Vector(*aggregate.inner, parse::AggregateOpName(aggregate.op), [&](StepSeries series) {
    LimitRatio(ratio, series);
    return series.HasAny() ? emit(std::move(series)) : absl::OkStatus();
  });
}

absl::Status Evaluator::QuantileOf(const parse::Aggregate& aggregate, Emit emit) {
  LL_ASSIGN_OR_RETURN(std::vector<double> q, Scalar(*aggregate.parameter));
  GroupQuantile quantile(context_, aggregate, std::move(q));
  LL_RETURN_IF_ERROR(Vector(*aggregate.inner, parse::AggregateOpName(aggregate.op),
                            [&](StepSeries series) { return quantile.Add(std::move(series)); }));
  return quantile.Finish(emit);
}

absl::Status Evaluator::CountValuesOf(const parse::Aggregate& aggregate, Emit emit) {
  const auto& label = As<parse::StringLiteral>(parse::Unwrap(*aggregate.parameter)).value;
  if (!IsValidLabelName(label)) {
    return absl::FailedPreconditionError(
        fmt::format("invalid label name {}", parse::PrintQuoted(label)));
  }
  CountValues counts(context_, aggregate.without, aggregate.labels, label);
  LL_RETURN_IF_ERROR(Vector(*aggregate.inner, parse::AggregateOpName(aggregate.op),
                            [&](const StepSeries& series) { return counts.Add(series); }));
  return counts.Finish(emit);
}

}  // namespace leadline::collector::promql::exec
