// rate and increase: how much a counter rose over a range, extrapolated to the range's ends.
//
// As Prometheus 3's extrapolatedRate, but never beyond the known life of what the series is about;
// see docs/adr/0020-rates-end-with-their-entity.md.
#pragma once

#include "collector/promql/functions/window.h"
#include "collector/promql/value/sample.h"

namespace leadline::collector::promql {

Sample RateKernel(const Window& window);
Sample IncreaseKernel(const Window& window);

}  // namespace leadline::collector::promql
