// Arithmetic between scalars, and between a vector and a scalar.
#pragma once

#include <vector>

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// Whether ApplyFloats knows the operator.
bool IsArithmetic(parse::BinaryOp op);

// REQUIRES: IsArithmetic(op).
double ApplyFloats(parse::BinaryOp op, double left, double right);

// `series` with the scalar at each step applied to its value there: on the right, or on the left.
// A histogram can be multiplied by a scalar and divided by one; other operators leave it out, with
// an annotation.
void ApplyScalar(parse::BinaryOp op, const std::vector<double>& scalar, bool scalar_is_left,
                 StepSeries& series, Annotations& annotations);

}  // namespace leadline::collector::promql::exec
