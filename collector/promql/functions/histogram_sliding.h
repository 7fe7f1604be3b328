// rate and increase of native histograms over all windows of a series at once, column by column:
// whether a counter was reset is found once a sample.
//
// The results are those of the functions' kernels (rate.h).
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

#include "collector/promql/functions/sliding.h"
#include "collector/promql/value/histogram_columns.h"

namespace leadline::collector::promql {

// The histograms were sampled at windows.ts_ms, which has no values; `resets` are the numbers of
// those before which the counter was reset.
struct HistogramWindows {
  FloatWindows windows;
  const HistogramColumns& columns;
  absl::Span<const uint32_t> resets;
};

// A histogram a window, which is a gauge. Buckets that rose in no window are left out.
struct WindowColumns {
  HistogramColumns columns;
  std::vector<uint8_t> has;  // whether the window has a value; where not, all cells are 0

  bool any() const;
};

using HistogramSlidingKernel = WindowColumns (*)(const HistogramWindows& windows, size_t count);

WindowColumns SlideHistogramRate(const HistogramWindows& windows, size_t count);
WindowColumns SlideHistogramIncrease(const HistogramWindows& windows, size_t count);

}  // namespace leadline::collector::promql
