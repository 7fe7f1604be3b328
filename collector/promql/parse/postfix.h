// What may follow an expression: "[5m]", "[1h:5m]", "offset 5m", "@ 1.5". Internal to the parser.
#pragma once

#include "collector/promql/parse/ast.h"
#include "collector/promql/parse/token_stream.h"

namespace leadline::collector::promql::parse {

// The expression with everything of the kind that stands behind it.
ExprPtr ParsePostfix(TokenStream& tokens, ExprPtr expr);

}  // namespace leadline::collector::promql::parse
