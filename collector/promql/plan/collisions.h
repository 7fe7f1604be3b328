// Whether series lose what tells them apart when the metric's name is dropped. Pure functions.
#pragma once

#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::plan {

// Whether series of the expression may have equal labels once their names are dropped.
bool MayCollide(const parse::Expr& expr);

}  // namespace leadline::collector::promql::plan
