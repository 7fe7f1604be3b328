#include <utility>

#include <fmt/format.h>

#include "collector/promql/parse/print.h"

namespace leadline::collector::promql::parse {
namespace {

std::string Pretty(const Expr& expr, size_t level);

std::string Indent(size_t level) { return std::string(2 * level, ' '); }

// "head(", what is within indented, ")".
std::string Wrap(std::string_view head, const std::string& inner, size_t level) {
  return fmt::format("{0}{1}(\n{2}\n{0})", Indent(level), head, inner);
}

std::string PrettyAggregate(const Aggregate& aggregate, size_t level) {
  std::string inner;
  if (aggregate.parameter) inner = Pretty(*aggregate.parameter, level + 1) + ",\n";
  inner += Pretty(*aggregate.inner, level + 1);
  return Wrap(PrintOperator(aggregate), inner, level);
}

std::string PrettyCall(const Call& call, size_t level) {
  std::string inner;
  for (const ExprPtr& argument : call.arguments) {
    if (!inner.empty()) inner += ",\n";
    inner += Pretty(*argument, level + 1);
  }
  return Wrap(call.function.name, inner, level);
}

std::string PrettyUnary(const Unary& unary, size_t level) {
  std::string inner = Pretty(*unary.inner, level);
  // The sign goes between the indentation and the rest.
  inner.insert(std::min(inner.size(), 2 * level), unary.negate ? "-" : "+");
  return inner;
}

std::string Pretty(const Expr& expr, size_t level) {
  std::string line = Print(expr);
  if (line.size() <= kMaxPrettyColumns) return Indent(level) + line;
  switch (expr.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kVectorSelector:
    case ExprKind::kMatrixSelector:
      return Indent(level) + line;
    case ExprKind::kSubquery:
      return Pretty(*As<Subquery>(expr).inner, level) + PrintSuffix(As<Subquery>(expr));
    case ExprKind::kParen:
      return Wrap("", Pretty(*As<Paren>(expr).inner, level + 1), level);
    case ExprKind::kUnary:
      return PrettyUnary(As<Unary>(expr), level);
    case ExprKind::kBinary: {
      const auto& binary = As<Binary>(expr);
      return fmt::format("{}\n{}{}\n{}", Pretty(*binary.left, level + 1), Indent(level),
                         PrintOperator(binary), Pretty(*binary.right, level + 1));
    }
    case ExprKind::kAggregate:
      return PrettyAggregate(As<Aggregate>(expr), level);
    case ExprKind::kCall:
      return PrettyCall(As<Call>(expr), level);
  }
  return line;
}

}  // namespace

std::string PrettyPrint(const Expr& expr) { return Pretty(expr, 0); }

}  // namespace leadline::collector::promql::parse
