// info(): adds the labels of info series ("target_info") to the series of the same target.
//
// An info series is of the same target where the identifying labels, "instance" and "job", are the
// same. The second argument, which selects nothing by itself, says by __name__ which info series
// there are, and by its other matchers which of their labels are added and must be there. Of info
// series of one name and target the one with the newest sample counts.
//
// FAILED_PRECONDITION where two of them are as new, where two info metrics give a label different
// values, and where an info series is a histogram. Source: Prometheus 3's info function.
#pragma once

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

absl::Status EvaluateInfo(Context& context, const parse::Call& call, Emit emit);

}  // namespace leadline::collector::promql::exec
