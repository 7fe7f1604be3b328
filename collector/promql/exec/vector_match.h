// Binary operators between two instant vectors: which series of the one side meets which of the
// other at each step, and what comes of it.
//
// Arithmetic and comparisons hold the side of which a match has one series, and stream the other;
// set operators hold only at which steps a match has any series.
// FAILED_PRECONDITION where a match is not one to one and that was not asked for.
// Source: Prometheus 3's VectorBinop, VectorAnd, VectorOr and VectorUnless.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// Gives the series of one side.
using VectorSource = absl::FunctionRef<absl::Status(Emit)>;

// REQUIRES: no set operator.
absl::Status MatchVectors(Context& context, const parse::Binary& binary, VectorSource left,
                          VectorSource right, Emit emit);

// REQUIRES: a set operator.
absl::Status CombineSets(Context& context, const parse::Binary& binary, VectorSource left,
                         VectorSource right, Emit emit);

}  // namespace leadline::collector::promql::exec
