// What of the language can be evaluated: a pass over the tree before anything is read.
#pragma once

#include <string_view>

#include "absl/status/status.h"

#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// UNIMPLEMENTED with the construct's place and name: `1:5: function "deriv" is not supported`.
absl::Status CheckSupported(const parse::Expr& expr, std::string_view query);

}  // namespace leadline::collector::promql::exec
