#include "collector/promql/parse/duration_expr.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "collector/promql/parse/parser.h"
#include "collector/promql/parse/print.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::collector::promql::parse {
namespace {

using Kind = DurationExpr::Kind;

// Between its sides; "" for what is no such operator.
std::string_view SignOf(Kind kind) {
  switch (kind) {
    case Kind::kAdd:
      return "+";
    case Kind::kSub:
      return "-";
    case Kind::kMul:
      return "*";
    case Kind::kDiv:
      return "/";
    case Kind::kMod:
      return "%";
    case Kind::kPow:
      return "^";
    default:
      return "";
  }
}

absl::StatusOr<double> Seconds(const DurationExpr& expr, const QueryTimes& times);

absl::StatusOr<double> OfTwo(const DurationExpr& expr, const QueryTimes& times) {
  LL_ASSIGN_OR_RETURN(const double left, Seconds(*expr.left, times));
  LL_ASSIGN_OR_RETURN(const double right, Seconds(*expr.right, times));
  switch (expr.kind) {
    case Kind::kMinOf:
      return std::min(left, right);
    case Kind::kMaxOf:
      return std::max(left, right);
    case Kind::kAdd:
      return left + right;
    case Kind::kSub:
      return left - right;
    case Kind::kMul:
      return left * right;
    case Kind::kDiv:
      if (right == 0) return absl::InvalidArgumentError("division by zero");
      return left / right;
    case Kind::kMod:
      if (right == 0) return absl::InvalidArgumentError("modulo by zero");
      return std::fmod(left, right);
    default:
      return std::pow(left, right);
  }
}

absl::StatusOr<double> Seconds(const DurationExpr& expr, const QueryTimes& times) {
  switch (expr.kind) {
    case Kind::kNumber:
      return expr.seconds;
    case Kind::kStep:
      return static_cast<double>(times.step_ms) / 1000;
    case Kind::kRange:
      return static_cast<double>(times.range_ms) / 1000;
    case Kind::kParen:
    case Kind::kPositive:
      return Seconds(*expr.right, times);
    case Kind::kNegative: {
      LL_ASSIGN_OR_RETURN(const double seconds, Seconds(*expr.right, times));
      return -seconds;
    }
    default:
      return OfTwo(expr, times);
  }
}

// Sets `ms` to what the expression is, where there is one that is not known yet.
absl::Status Bind(const DurationExpr::Ptr& expr, const QueryTimes& times, bool must_be_positive,
                  int64_t& ms) {
  if (expr == nullptr || IsConstant(*expr)) return absl::OkStatus();
  LL_ASSIGN_OR_RETURN(ms, EvaluateDuration(*expr, times, must_be_positive));
  return absl::OkStatus();
}

absl::Status Bind(TimeModifier& modifier, const QueryTimes& times) {
  int64_t offset_ms = modifier.offset_ms.value_or(0);
  LL_RETURN_IF_ERROR(Bind(modifier.offset_expr, times, false, offset_ms));
  if (modifier.offset_expr != nullptr) modifier.offset_ms = offset_ms;
  return absl::OkStatus();
}

absl::Status BindOwn(Expr& expr, const QueryTimes& times) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      return Bind(static_cast<VectorSelector&>(expr).modifier, times);
    case ExprKind::kMatrixSelector: {
      auto& matrix = static_cast<MatrixSelector&>(expr);
      LL_RETURN_IF_ERROR(Bind(matrix.range_expr, times, true, matrix.range_ms));
      return Bind(matrix.selector->modifier, times);
    }
    case ExprKind::kSubquery: {
      auto& subquery = static_cast<Subquery&>(expr);
      LL_RETURN_IF_ERROR(Bind(subquery.range_expr, times, true, subquery.range_ms));
      LL_RETURN_IF_ERROR(Bind(subquery.step_expr, times, true, subquery.step_ms));
      return Bind(subquery.modifier, times);
    }
    default:
      return absl::OkStatus();
  }
}

}  // namespace

bool IsConstant(const DurationExpr& expr) {
  if (expr.kind == Kind::kStep || expr.kind == Kind::kRange) return false;
  return (expr.left == nullptr || IsConstant(*expr.left)) &&
         (expr.right == nullptr || IsConstant(*expr.right));
}

absl::StatusOr<int64_t> EvaluateDuration(const DurationExpr& expr, const QueryTimes& times,
                                         bool must_be_positive) {
  LL_ASSIGN_OR_RETURN(const double seconds, Seconds(expr, times));
  // Above this Prometheus' nanoseconds do not fit 64 bits.
  constexpr double kMaxSeconds = 9'223'372'036.0;
  if (!(std::fabs(seconds) < kMaxSeconds)) {
    return absl::InvalidArgumentError("duration out of range");
  }
  const int64_t ms = std::llround(seconds * 1000);
  if (must_be_positive && ms <= 0) {
    return absl::InvalidArgumentError("duration must be greater than 0");
  }
  return ms;
}

std::string PrintDurationExpr(const DurationExpr& expr) {
  switch (expr.kind) {
    case Kind::kNumber:
      return expr.is_duration ? PrintDuration(std::llround(expr.seconds * 1000))
                              : PrintNumber(expr.seconds);
    case Kind::kStep:
      return "step()";
    case Kind::kRange:
      return "range()";
    case Kind::kMinOf:
    case Kind::kMaxOf:
      return fmt::format("{}({}, {})", expr.kind == Kind::kMinOf ? "min_of" : "max_of",
                         PrintDurationExpr(*expr.left), PrintDurationExpr(*expr.right));
    case Kind::kParen:
      return fmt::format("({})", PrintDurationExpr(*expr.right));
    case Kind::kNegative:
      return "-" + PrintDurationExpr(*expr.right);
    case Kind::kPositive:
      return "+" + PrintDurationExpr(*expr.right);
    default:
      return fmt::format("{} {} {}", PrintDurationExpr(*expr.left), SignOf(expr.kind),
                         PrintDurationExpr(*expr.right));
  }
}

absl::Status BindDurations(Expr& expr, std::string_view query, const QueryTimes& times) {
  const absl::Status status = BindOwn(expr, times);
  if (!status.ok()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: parse error: {}", LineAndColumn(query, expr.position.start), StatusMessage(status)));
  }
  const auto bind = [&](Expr& inner) { return BindDurations(inner, query, times); };
  switch (expr.kind) {
    case ExprKind::kSubquery:
      return bind(*static_cast<Subquery&>(expr).inner);
    case ExprKind::kParen:
      return bind(*static_cast<Paren&>(expr).inner);
    case ExprKind::kUnary:
      return bind(*static_cast<Unary&>(expr).inner);
    case ExprKind::kBinary:
      LL_RETURN_IF_ERROR(bind(*static_cast<Binary&>(expr).left));
      return bind(*static_cast<Binary&>(expr).right);
    case ExprKind::kAggregate: {
      auto& aggregate = static_cast<Aggregate&>(expr);
      if (aggregate.parameter != nullptr) LL_RETURN_IF_ERROR(bind(*aggregate.parameter));
      return bind(*aggregate.inner);
    }
    case ExprKind::kCall:
      for (const ExprPtr& argument : static_cast<Call&>(expr).arguments) {
        LL_RETURN_IF_ERROR(bind(*argument));
      }
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

}  // namespace leadline::collector::promql::parse
