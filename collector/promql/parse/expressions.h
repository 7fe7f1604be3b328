// Expressions: operators with their precedence, parentheses, calls, aggregations, literals.
// Internal to the parser.
#pragma once

#include "collector/promql/parse/ast.h"
#include "collector/promql/parse/token_stream.h"

namespace leadline::collector::promql::parse {

// As much as belongs to one expression; what may follow it is for the caller to say. Refuses more
// than kMaxNesting expressions within each other.
ExprPtr ParseExpression(TokenStream& tokens);

}  // namespace leadline::collector::promql::parse
