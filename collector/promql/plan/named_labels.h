// Which labels a query names: those of Kubernetes are visible only where they are named.
#pragma once

#include <string>
#include <vector>

#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::plan {

// In matchers, groupings and matchings; sorted, each once.
std::vector<std::string> NamedLabels(const parse::Expr& expr);

}  // namespace leadline::collector::promql::plan
