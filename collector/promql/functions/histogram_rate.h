// How much a native histogram rose over the samples of a window.
//
// nullopt, with a warning, where exponential and custom buckets are mixed. What does not look like
// a counter, or a gauge, is computed all the same, with a warning. What rose is a gauge. Source:
// Prometheus 3's histogramRate and instantValue.
#pragma once

#include <optional>

#include "collector/promql/functions/window.h"
#include "collector/promql/value/histogram.h"

namespace leadline::collector::promql {

// From the first to the last. REQUIRES: two histograms or more.
std::optional<Histogram> HistogramRise(const Window& window, bool is_counter);

// From the last but one to the last. REQUIRES: two histograms or more.
std::optional<Histogram> LastHistogramRise(const Window& window, bool is_counter);

}  // namespace leadline::collector::promql
