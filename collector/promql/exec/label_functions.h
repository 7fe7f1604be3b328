// label_replace and label_join.
//
// FAILED_PRECONDITION for a regular expression or label name that is none, in Prometheus' words,
// and where labels become alike.
#pragma once

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

absl::Status EvaluateLabelJoin(Context& context, const parse::Call& call, Emit emit);
absl::Status EvaluateLabelReplace(Context& context, const parse::Call& call, Emit emit);

}  // namespace leadline::collector::promql::exec
