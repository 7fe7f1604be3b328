#include "collector/promql/parse/postfix.h"

#include <memory>
#include <optional>
#include <utility>

#include "collector/promql/parse/times.h"

namespace leadline::collector::promql::parse {
namespace {

// "[1h:5m]", from the colon.
ExprPtr ParseSubquery(TokenStream& tokens, ExprPtr inner, int64_t range_ms) {
  constexpr std::string_view kWhere = "subquery selector";
  tokens.Advance();
  auto subquery = std::make_unique<Subquery>();
  subquery->range_ms = range_ms;
  if (!tokens.Is(TokenKind::kRightBracket)) {
    const auto step_ms = ParsePositiveDuration(tokens, kWhere);
    if (!step_ms.has_value()) return nullptr;
    subquery->step_ms = *step_ms;
  }
  if (!tokens.Take(TokenKind::kRightBracket)) return tokens.Unexpected(kWhere, "\"]\"");
  const uint32_t start = inner->position.start;
  const uint32_t depth = inner->depth;
  subquery->inner = std::move(inner);
  return tokens.Finish(std::move(subquery), start, depth);
}

ExprPtr MakeMatrix(TokenStream& tokens, ExprPtr expr, int64_t range_ms) {
  const Position position{expr->position.start, tokens.last_end()};
  if (expr->kind != ExprKind::kVectorSelector) {
    return tokens.FailAt(position, "ranges only allowed for vector selectors");
  }
  std::unique_ptr<VectorSelector> selector(static_cast<VectorSelector*>(expr.release()));
  if (selector->modifier.offset_ms.has_value()) {
    return tokens.FailAt(position, "no offset modifiers allowed before range");
  }
  if (selector->modifier.at != TimeModifier::At::kNone) {
    return tokens.FailAt(position, "no @ modifiers allowed before range");
  }
  auto matrix = std::make_unique<MatrixSelector>();
  matrix->selector = std::move(selector);
  matrix->range_ms = range_ms;
  return tokens.Finish(std::move(matrix), position.start, 1);
}

// A range or a subquery.
ExprPtr ParseBrackets(TokenStream& tokens, ExprPtr expr) {
  constexpr std::string_view kWhere = "subquery or range selector";
  tokens.Advance();
  const auto range_ms = ParsePositiveDuration(tokens, kWhere);
  if (!range_ms.has_value()) return nullptr;
  if (tokens.Is(TokenKind::kColon)) return ParseSubquery(tokens, std::move(expr), *range_ms);
  if (!tokens.Take(TokenKind::kRightBracket)) return tokens.Unexpected(kWhere, "\":\" or \"]\"");
  return MakeMatrix(tokens, std::move(expr), *range_ms);
}

// nullptr where the expression takes none.
TimeModifier* ModifierOf(Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kVectorSelector:
      return &static_cast<VectorSelector&>(expr).modifier;
    case ExprKind::kMatrixSelector:
      return &static_cast<MatrixSelector&>(expr).selector->modifier;
    case ExprKind::kSubquery:
      return &static_cast<Subquery&>(expr).modifier;
    default:
      return nullptr;
  }
}

ExprPtr ParseOffset(TokenStream& tokens, ExprPtr expr) {
  tokens.Advance();
  const auto offset_ms = ParseSignedDuration(tokens, "offset");
  if (!offset_ms.has_value()) return nullptr;
  expr->position.end = tokens.last_end();
  TimeModifier* const modifier = ModifierOf(*expr);
  if (modifier == nullptr) {
    return tokens.FailAt(expr->position,
                         "offset modifier must be preceded by an instant vector selector or range "
                         "vector selector or a subquery");
  }
  if (modifier->offset_ms.has_value()) {
    return tokens.FailAt(expr->position, "offset may not be set multiple times");
  }
  modifier->offset_ms = *offset_ms;
  return expr;
}

ExprPtr ParseAt(TokenStream& tokens, ExprPtr expr) {
  tokens.Advance();
  TimeModifier parsed;
  if (!ParseAtTime(tokens, parsed)) return nullptr;
  expr->position.end = tokens.last_end();
  TimeModifier* const modifier = ModifierOf(*expr);
  if (modifier == nullptr) {
    return tokens.FailAt(expr->position,
                         "@ modifier must be preceded by an instant vector selector or range "
                         "vector selector or a subquery");
  }
  if (modifier->at != TimeModifier::At::kNone) {
    return tokens.FailAt(expr->position, "@ <timestamp> may not be set multiple times");
  }
  modifier->at = parsed.at;
  modifier->at_ms = parsed.at_ms;
  return expr;
}

}  // namespace

ExprPtr ParsePostfix(TokenStream& tokens, ExprPtr expr) {
  while (expr != nullptr) {
    if (tokens.Is(TokenKind::kLeftBracket)) {
      expr = ParseBrackets(tokens, std::move(expr));
    } else if (tokens.IsKeyword("offset")) {
      expr = ParseOffset(tokens, std::move(expr));
    } else if (tokens.Is(TokenKind::kAt)) {
      expr = ParseAt(tokens, std::move(expr));
    } else {
      break;
    }
  }
  return expr;
}

}  // namespace leadline::collector::promql::parse
