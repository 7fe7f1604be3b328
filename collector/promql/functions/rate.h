// rate, increase and delta: how much a series rose over a range, extrapolated to the range's ends.
//
// As Prometheus 3's extrapolatedRate, but never beyond the known life of what the series is about;
// see docs/adr/0020-rates-end-with-their-entity.md.
#pragma once

#include "collector/promql/functions/window.h"
#include "collector/promql/value/sample.h"

namespace leadline::collector::promql {

Sample Rate(const Window& window);
Sample Increase(const Window& window);
Sample Delta(const Window& window);

// irate and idelta: from the last sample but one to the last.
Sample InstantRate(const Window& window);
Sample InstantDelta(const Window& window);

}  // namespace leadline::collector::promql
