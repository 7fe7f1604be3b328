// histogram_quantile, of native histograms and of classic ones: series of buckets, which differ in
// the label "le".
#pragma once

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

absl::Status EvaluateHistogramQuantile(Context& context, const parse::Call& call, Emit emit);

}  // namespace leadline::collector::promql::exec
