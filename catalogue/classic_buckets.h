// The bounds at which a native histogram answers as a classic one: the values of "le".
//
// Pure function of a row of the catalogue; thread-safe.
#pragma once

#include "absl/types/span.h"

#include "catalogue/metrics.h"

namespace leadline::catalogue {

// Ascending, without +Inf. Empty where the metric is no histogram. By unit: a histogram of another
// metric of the same unit has the same bounds, so they can be added up.
absl::Span<const double> ClassicBounds(const MetricInfo& metric);

}  // namespace leadline::catalogue
