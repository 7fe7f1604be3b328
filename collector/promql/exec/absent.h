// absent and absent_over_time: 1 where there is nothing, with the labels that the selector's
// matchers say it would have had.
#pragma once

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

absl::Status EvaluateAbsent(Context& context, const parse::Call& call, Emit emit);

}  // namespace leadline::collector::promql::exec
