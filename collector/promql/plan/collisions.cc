#include "collector/promql/plan/collisions.h"

#include <algorithm>
#include <variant>

#include "common/labels.h"

namespace leadline::collector::promql::plan {
namespace {

using parse::As;
using parse::ExprKind;

bool CallMayCollide(const parse::Call& call) {
  // Where a function drops names its own result has been made distinct.
  if (const auto* const range = std::get_if<RangeFunction>(&call.function.kernel)) {
    if (!range->keeps_name) return false;
    return std::any_of(call.arguments.begin(), call.arguments.end(), [](const auto& argument) {
      return argument->type == ValueType::kRangeVector && MayCollide(*argument);
    });
  }
  return !std::holds_alternative<ElementFunction>(call.function.kernel) &&
         !std::holds_alternative<HistogramFunction>(call.function.kernel);
}

bool AggregateMayCollide(const parse::Aggregate& aggregate) {
  using Op = parse::AggregateOp;
  for (const Op op : {Op::kTopk, Op::kBottomk, Op::kLimitk, Op::kLimitRatio}) {
    if (aggregate.op == op) return MayCollide(*aggregate.inner);
  }
  if (aggregate.op == Op::kCountValues) return true;  // the label may be the name
  return !aggregate.without && std::find(aggregate.labels.begin(), aggregate.labels.end(),
                                         kMetricName) != aggregate.labels.end();
}

}  // namespace

bool MayCollide(const parse::Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector: {
      const auto& matchers = As<parse::VectorSelector>(expr).matchers;
      return std::none_of(matchers.begin(), matchers.end(), [](const parse::LabelMatcher& m) {
        return m.name == kMetricName && m.op == parse::LabelMatcher::Op::kEqual;
      });
    }
    case ExprKind::kMatrixSelector:
      return MayCollide(*As<parse::MatrixSelector>(expr).selector);
    case ExprKind::kSubquery:
      return MayCollide(*As<parse::Subquery>(expr).inner);
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
    case ExprKind::kAggregate:
      return AggregateMayCollide(As<parse::Aggregate>(expr));
    case ExprKind::kCall:
      return CallMayCollide(As<parse::Call>(expr));
    case ExprKind::kNumber:
    case ExprKind::kString:
      return false;
  }
  return true;
}

}  // namespace leadline::collector::promql::plan
