// The samples of one series that a range function sees at one step.
#pragma once

#include <cstdint>
#include <limits>

#include "absl/types/span.h"

#include "collector/model/sample.h"

namespace leadline::collector::promql {

// Samples in (start_ms, end_ms], in time order, without staleness markers. Views of the series'
// columns: valid for the call only.
struct Window {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  absl::Span<const int64_t> ts_ms;
  absl::Span<const double> values;
  absl::Span<const int64_t> histogram_ts_ms;
  absl::Span<const model::NativeHistogram> histograms;
  // The life of what the series is about, as in store::SeriesBlock.
  int64_t entity_start_ms = 0;
  int64_t entity_end_ms = std::numeric_limits<int64_t>::max();
};

}  // namespace leadline::collector::promql
