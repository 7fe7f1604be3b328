// Functions of histograms of both kinds: native ones and classic ones, which are series of buckets
// that differ in the label "le".
//
// Where a step has both of one name there is a warning and no result.
#pragma once

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

absl::Status EvaluateHistogramQuantile(Context& context, const parse::Call& call, Emit emit);
// Several quantiles, each with its number as a label.
absl::Status EvaluateHistogramQuantiles(Context& context, const parse::Call& call, Emit emit);
absl::Status EvaluateHistogramFraction(Context& context, const parse::Call& call, Emit emit);

}  // namespace leadline::collector::promql::exec
