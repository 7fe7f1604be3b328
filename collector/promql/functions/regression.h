// deriv and predict_linear: the line that fits the floats of a range best.
//
// Source: Prometheus 3's linearRegression.
#pragma once

#include "collector/promql/functions/window.h"
#include "collector/promql/value/sample.h"

namespace leadline::collector::promql {

Sample Deriv(const Window& window);
Sample PredictLinear(const Window& window);  // parameter: seconds from the step's time

}  // namespace leadline::collector::promql
