#include "tests/unit/collector/promql/parse/dump.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leadline::collector::promql::parse {
namespace {

std::string DumpModifier(const TimeModifier& modifier) {
  std::string text;
  switch (modifier.at) {
    case TimeModifier::At::kNone:
      break;
    case TimeModifier::At::kTime:
      text += fmt::format(" @{}", modifier.at_ms);
      break;
    case TimeModifier::At::kStart:
      text += " @start";
      break;
    case TimeModifier::At::kEnd:
      text += " @end";
      break;
  }
  if (modifier.offset_ms.has_value()) text += fmt::format(" offset={}", *modifier.offset_ms);
  return text;
}

std::string DumpSelector(const VectorSelector& selector) {
  std::string text;
  for (const LabelMatcher& matcher : selector.matchers) {
    constexpr const char* kOps[] = {"=", "!=", "=~", "!~"};
    text += fmt::format("{}{}{}'{}'", text.empty() ? "" : " ", matcher.name,
                        kOps[static_cast<int>(matcher.op)], matcher.value);
  }
  return "{" + text + "}" + DumpModifier(selector.modifier);
}

std::string DumpBinary(const Binary& binary) {
  std::string op(BinaryOpName(binary.op));
  if (binary.returns_bool) op += " bool";
  if (binary.matching.has_value()) {
    const VectorMatching& matching = *binary.matching;
    op += fmt::format(" {}[{}]", matching.on ? "on" : "ignoring", fmt::join(matching.labels, ","));
    if (matching.cardinality != VectorMatching::Cardinality::kOneToOne) {
      op += fmt::format(
          " {}[{}]",
          matching.cardinality == VectorMatching::Cardinality::kManyToOne ? "left" : "right",
          fmt::join(matching.include, ","));
    }
  }
  return fmt::format("({} {} {})", op, Dump(*binary.left), Dump(*binary.right));
}

std::string DumpAggregate(const Aggregate& aggregate) {
  std::string text = fmt::format("({}", AggregateOpName(aggregate.op));
  if (aggregate.without || !aggregate.labels.empty()) {
    text += fmt::format(" {}[{}]", aggregate.without ? "without" : "by",
                        fmt::join(aggregate.labels, ","));
  }
  if (aggregate.parameter != nullptr) text += ' ' + Dump(*aggregate.parameter);
  return text + ' ' + Dump(*aggregate.inner) + ')';
}

}  // namespace

std::string Dump(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kNumber:
      return fmt::format("{}", As<NumberLiteral>(expr).value);
    case ExprKind::kString:
      return fmt::format("'{}'", As<StringLiteral>(expr).value);
    case ExprKind::kVectorSelector:
      return DumpSelector(As<VectorSelector>(expr));
    case ExprKind::kMatrixSelector: {
      const auto& matrix = As<MatrixSelector>(expr);
      return fmt::format("{}[{}]", DumpSelector(*matrix.selector), matrix.range_ms);
    }
    case ExprKind::kSubquery: {
      const auto& subquery = As<Subquery>(expr);
      return fmt::format("{}[{}:{}]{}", Dump(*subquery.inner), subquery.range_ms, subquery.step_ms,
                         DumpModifier(subquery.modifier));
    }
    case ExprKind::kParen:
      return fmt::format("(paren {})", Dump(*As<Paren>(expr).inner));
    case ExprKind::kUnary:
      return fmt::format("({} {})", As<Unary>(expr).negate ? "neg" : "pos",
                         Dump(*As<Unary>(expr).inner));
    case ExprKind::kBinary:
      return DumpBinary(As<Binary>(expr));
    case ExprKind::kAggregate:
      return DumpAggregate(As<Aggregate>(expr));
    case ExprKind::kCall: {
      std::string text = fmt::format("({}", As<Call>(expr).function.name);
      for (const ExprPtr& argument : As<Call>(expr).arguments) text += ' ' + Dump(*argument);
      return text + ')';
    }
  }
  return "?";
}

}  // namespace leadline::collector::promql::parse
