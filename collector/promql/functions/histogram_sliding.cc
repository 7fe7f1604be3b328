#include "collector/promql/functions/histogram_sliding.h"

#include <algorithm>

#include "collector/promql/functions/extrapolation.h"
#include "collector/promql/functions/sliding.h"

namespace leadline::collector::promql {
namespace {

// How much the counter rose from row `first` to row `last`, over the resets in between.
void RiseOfRows(const HistogramRows& rows, size_t first, size_t last,
                absl::Span<const uint32_t> resets, absl::Span<double> rise) {
  const double* const from = rows.Row(first).data();
  const double* const to = rows.Row(last).data();
  // The second row tells all that is to be known of a first one before a reset.
  const bool begins_with_reset = !resets.empty() && resets.front() == first + 1;
  if (begins_with_reset) {
    std::copy_n(to, rise.size(), rise.data());
    resets.remove_prefix(1);
  } else {
    double* const out = rise.data();
    for (size_t i = 0; i < rise.size(); ++i) out[i] = to[i] - from[i];
  }
  for (const uint32_t reset : resets) {
    const double* const lost = rows.Row(reset - 1).data();
    for (size_t i = 0; i < rise.size(); ++i) rise[i] += lost[i];
  }
}

// `per` is 1 for the increase itself, or the seconds to divide it by.
WindowRows SlideRowsRise(const HistogramWindows& histograms, size_t count, double per) {
  const FloatWindows& windows = histograms.windows;
  const HistogramRows& rows = histograms.rows;
  const absl::Span<const uint32_t> resets = histograms.resets;
  WindowRows out{HistogramRows(rows.shape(), count), std::vector<uint8_t>(count)};
  ExtrapolatedWindows own;
  ExtrapolatedWindows& extrapolated = windows.extrapolated == nullptr ? own : *windows.extrapolated;
  extrapolated.MoveTo(windows, count, per);
  size_t first_reset = 0;
  size_t end_reset = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!extrapolated[i].has()) continue;
    const size_t first = extrapolated[i].first;
    const size_t last = extrapolated[i].last;
    while (first_reset < resets.size() && resets[first_reset] <= first) ++first_reset;
    end_reset = std::max(first_reset, end_reset);
    while (end_reset < resets.size() && resets[end_reset] <= last) ++end_reset;
    const absl::Span<double> rise = out.rows.Row(i);
    RiseOfRows(rows, first, last, resets.subspan(first_reset, end_reset - first_reset), rise);
    const double scale = extrapolated.Scale(
        i, /*is_counter=*/true, rows.Row(first)[RowShape::kCount], rise[RowShape::kCount]);
    for (double& cell : rise) cell *= scale;
    out.has[i] = 1;
  }
  return out;
}

}  // namespace

bool WindowRows::any() const {
  return std::any_of(has.begin(), has.end(), [](uint8_t one) { return one != 0; });
}

WindowRows SlideHistogramRate(const HistogramWindows& windows, size_t count) {
  return SlideRowsRise(windows, count, Seconds(windows.windows.range_ms));
}

WindowRows SlideHistogramIncrease(const HistogramWindows& windows, size_t count) {
  return SlideRowsRise(windows, count, 1);
}

}  // namespace leadline::collector::promql
