// double_exponential_smoothing: the level that a series has reached, its trend taken into account.
//
// Source: https://www.itl.nist.gov/div898/handbook/pmc/section4/pmc433.htm; Prometheus 3, which
// called it holt_winters before.
#pragma once

#include <string>

#include "absl/types/span.h"

#include "collector/promql/functions/window.h"
#include "collector/promql/value/sample.h"

namespace leadline::collector::promql {

// Parameters: the weight of the newest value, the weight of the newest trend. Nothing of fewer than
// two floats; histograms are left out.
Sample DoubleExponentialSmoothing(const Window& window);

// "" where both parameters are above 0 and below 1.
std::string SmoothingComplaint(absl::Span<const double> parameters);

}  // namespace leadline::collector::promql
