#include "collector/promql/exec/supported.h"

#include <string>

#include <fmt/format.h>

#include "collector/promql/parse/parser.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::As;
using parse::Expr;
using parse::ExprKind;

class Checker {
 public:
  explicit Checker(std::string_view query) : query_(query) {}

  absl::Status Check(const Expr& expr) const {
    switch (expr.kind) {
      case ExprKind::kNumber:
      case ExprKind::kString:
      case ExprKind::kVectorSelector:
      case ExprKind::kMatrixSelector:
        return absl::OkStatus();
      case ExprKind::kParen:
        return Check(*As<parse::Paren>(expr).inner);
      case ExprKind::kUnary:
        return Check(*As<parse::Unary>(expr).inner);
      case ExprKind::kSubquery:
        return Check(*As<parse::Subquery>(expr).inner);
      case ExprKind::kBinary:
        LL_RETURN_IF_ERROR(Check(*As<parse::Binary>(expr).left));
        return Check(*As<parse::Binary>(expr).right);
      case ExprKind::kAggregate:
        return CheckAggregate(As<parse::Aggregate>(expr));
      case ExprKind::kCall:
        return CheckCall(As<parse::Call>(expr));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Not(const Expr& expr, std::string_view what) const {
    return absl::UnimplementedError(fmt::format(
        "{}: {} is not supported", parse::LineAndColumn(query_, expr.position.start), what));
  }

  absl::Status CheckAggregate(const parse::Aggregate& aggregate) const {
    if (aggregate.op == parse::AggregateOp::kLimitk ||
        aggregate.op == parse::AggregateOp::kLimitRatio) {
      return Not(aggregate,
                 fmt::format("aggregation operator \"{}\"", parse::AggregateOpName(aggregate.op)));
    }
    if (aggregate.parameter != nullptr) LL_RETURN_IF_ERROR(Check(*aggregate.parameter));
    return Check(*aggregate.inner);
  }

  absl::Status CheckCall(const parse::Call& call) const {
    if (!call.function.supported()) {
      return Not(call, fmt::format("function \"{}\"", call.function.name));
    }
    for (const parse::ExprPtr& argument : call.arguments) LL_RETURN_IF_ERROR(Check(*argument));
    return absl::OkStatus();
  }

  std::string_view query_;
};

}  // namespace

absl::Status CheckSupported(const Expr& expr, std::string_view query) {
  return Checker(query).Check(expr);
}

}  // namespace leadline::collector::promql::exec
