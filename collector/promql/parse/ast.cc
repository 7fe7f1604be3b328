#include "collector/promql/parse/ast.h"

#include "collector/promql/parse/keywords.h"

namespace leadline::collector::promql::parse {

std::string_view BinaryOpName(BinaryOp op) {
  for (const BinaryKeyword& row : BinaryKeywords()) {
    if (row.op == op) return row.text;
  }
  return "?";
}

bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEqual && op <= BinaryOp::kGreaterEqual; }

bool IsSetOperator(BinaryOp op) { return op >= BinaryOp::kAnd; }

bool IsTrimming(BinaryOp op) { return op == BinaryOp::kTrimUpper || op == BinaryOp::kTrimLower; }

std::string_view AggregateOpName(AggregateOp op) {
  for (const AggregateKeyword& row : AggregateKeywords()) {
    if (row.op == op) return row.text;
  }
  return "?";
}

std::optional<ValueType> AggregateParameter(AggregateOp op) {
  for (const AggregateKeyword& row : AggregateKeywords()) {
    if (row.op == op) return row.parameter;
  }
  return std::nullopt;
}

const Expr& Unwrap(const Expr& expr) {
  const Expr* inner = &expr;
  while (inner->kind == ExprKind::kParen) inner = As<Paren>(*inner).inner.get();
  return *inner;
}

}  // namespace leadline::collector::promql::parse
