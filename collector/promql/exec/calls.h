// Calls of functions: finds the evaluation for each kind of row of the function table.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// REQUIRES: a function that is supported and gives a scalar.
absl::StatusOr<std::vector<double>> CallScalar(Context& context, const parse::Call& call);

// REQUIRES: a function that is supported and gives an instant vector.
absl::Status CallVector(Context& context, const parse::Call& call, Emit emit);

}  // namespace leadline::collector::promql::exec
