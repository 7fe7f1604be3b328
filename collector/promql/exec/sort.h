// sort and sort_desc: the series of an instant query in order of their values, NaN last, histograms
// left out. Over a range there is no such order, and results come in order of labels.
#pragma once

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

absl::Status EvaluateSort(Context& context, const parse::Expr& vector, bool descending, Emit emit);

}  // namespace leadline::collector::promql::exec
