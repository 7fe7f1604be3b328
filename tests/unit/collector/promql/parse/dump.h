// A syntax tree as an S-expression, for tests.
#pragma once

#include <string>

#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::parse {

std::string Dump(const Expr& expr);

}  // namespace leadline::collector::promql::parse
