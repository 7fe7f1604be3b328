// Where in the query's text an expression is, for remarks on it.
#pragma once

#include <string>

#include "collector/promql/exec/context.h"
#include "collector/promql/parse/ast.h"
#include "collector/promql/parse/parser.h"
#include "collector/promql/value/result.h"

namespace leadline::collector::promql::exec {

// "1:6".
inline std::string PlaceOf(const Context& context, const parse::Expr& expr) {
  return parse::LineAndColumn(context.query, expr.position.start);
}

inline Remarker RemarkerOn(Context& context, const parse::Expr& expr) {
  return {context.annotations, PlaceOf(context, expr)};
}

}  // namespace leadline::collector::promql::exec
