#include "collector/promql/functions/rate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "collector/promql/functions/extrapolation.h"
#include "collector/promql/functions/histogram_rate.h"
#include "collector/promql/functions/sliding.h"
#include "collector/promql/value/remarks.h"

namespace leadline::collector::promql {
namespace {

enum class Kind { kCounter, kGauge };

Extent ExtentOf(const Window& window, absl::Span<const int64_t> ts_ms, size_t count) {
  return {window.start_ms, window.end_ms,          ts_ms.front(),       ts_ms.back(),
          count,           window.entity_start_ms, window.entity_end_ms};
}

// What a counter was before it was reset, between the sample and the one before it; 0 where it was
// not.
double LostBefore(absl::Span<const double> values, absl::Span<const double> lost, size_t i) {
  if (!lost.empty() && !std::isnan(lost[i])) return lost[i];
  return values[i] < values[i - 1] ? values[i - 1] : 0;
}

double Rise(const Window& window, Kind kind) {
  double rise = window.values.back() - window.values.front();
  for (size_t i = 1; kind == Kind::kCounter && i < window.values.size(); ++i) {
    rise += LostBefore(window.values, window.lost, i);
  }
  return rise;
}

// The samples with a reset before them.
std::vector<uint32_t> FindLosses(const FloatWindows& windows) {
  if (windows.lost.empty()) return FindResets(windows.values);
  std::vector<uint32_t> losses;
  for (size_t i = 1; i < windows.values.size(); ++i) {
    if (LostBefore(windows.values, windows.lost, i) != 0)
      losses.push_back(static_cast<uint32_t>(i));
  }
  return losses;
}

// `per` is 1 for the increase itself, or the seconds to divide it by.
Sample Extrapolated(const Window& window, Kind kind, double per) {
  if (!window.values.empty() && !window.histograms.empty()) {
    window.remarker->Warn(remarks::MixedInRange(window.name));
    return {};
  }
  if (window.exact && !window.values.empty()) {
    return {.value = Rise(window, kind) / per, .histogram = nullptr};
  }
  if (window.values.size() > 1) {
    const double rise = Rise(window, kind);
    const Extent extent = ExtentOf(window, window.ts_ms, window.value_count());
    const double factor =
        ExtrapolationFactor(extent, kind == Kind::kCounter, window.values.front(), rise);
    return {.value = rise * (factor / per), .histogram = nullptr};
  }
  if (window.histograms.size() > 1) {
    std::optional<Histogram> rise = HistogramRise(window, kind == Kind::kCounter);
    if (!rise.has_value()) return {};
    if (window.exact) {
      rise->Scale(1 / per);
      return CompactSample(*std::move(rise));
    }
    const double first = window.histograms.front()->count;
    const Extent extent = ExtentOf(window, window.histogram_ts_ms, window.histogram_count());
    rise->Scale(ExtrapolationFactor(extent, kind == Kind::kCounter, first, rise->count) / per);
    return CompactSample(*std::move(rise));
  }
  if (window.exact && !window.histograms.empty()) {
    Histogram none = *window.histograms.front();
    none.Scale(0);
    none.reset_hint = model::ResetHint::kGauge;
    return CompactSample(std::move(none));
  }
  return {};
}

// What a counter lost by resets within each window, summed up apart, in the windows that have any.
void AddLosses(const FloatWindows& windows, const ExtrapolatedWindows& extrapolated,
               absl::Span<const uint32_t> resets, absl::Span<double> rises) {
  std::vector<double> lost;
  lost.reserve(resets.size());
  for (const uint32_t reset : resets) {
    lost.push_back(LostBefore(windows.values, windows.lost, reset));
  }
  SlidingSum sum_lost(lost);
  size_t first_reset = 0;
  size_t end_reset = 0;
  for (size_t i = 0; i < rises.size(); ++i) {
    const ExtrapolatedWindows::Of window = extrapolated[i];
    if (!window.has()) continue;
    while (first_reset < resets.size() && resets[first_reset] <= window.first) ++first_reset;
    end_reset = std::max(first_reset, end_reset);
    while (end_reset < resets.size() && resets[end_reset] <= window.last) ++end_reset;
    if (first_reset < end_reset) rises[i] += sum_lost.MoveTo(first_reset, end_reset).value();
  }
}

// As Extrapolated, over all windows.
void SlideExtrapolated(const FloatWindows& windows, Kind kind, double per, absl::Span<double> out) {
  ExtrapolatedWindows own;
  ExtrapolatedWindows& extrapolated = windows.extrapolated == nullptr ? own : *windows.extrapolated;
  extrapolated.MoveTo(windows, out.size(), per);
  const absl::Span<double> rises = extrapolated.Rises(windows.values);
  if (kind == Kind::kCounter) {
    const std::vector<uint32_t> resets = FindLosses(windows);
    if (!resets.empty()) AddLosses(windows, extrapolated, resets, rises);
  }
  extrapolated.ScaleRises(windows.values, kind == Kind::kCounter, out);
}

// Between the last two samples. A counter that was reset rose by what it is now.
Sample OfLastTwo(const Window& window, Kind kind, bool per_second) {
  const size_t floats = window.values.size();
  const size_t histograms = window.histograms.size();
  if (floats + histograms < 2) return {};
  // Two of one type and none of the other after the first of them.
  const bool of_floats =
      floats > 1 && (histograms == 0 || window.histogram_ts_ms.back() < window.ts_ms[floats - 2]);
  const bool of_histograms =
      histograms > 1 &&
      (floats == 0 || window.ts_ms.back() < window.histogram_ts_ms[histograms - 2]);
  if (!of_floats && !of_histograms) {
    window.remarker->Warn(remarks::MixedInRange(window.name));
    return {};
  }
  const auto ts_ms = (of_floats ? window.ts_ms : window.histogram_ts_ms).last(2);
  const double per = per_second ? Seconds(ts_ms[1] - ts_ms[0]) : 1;
  if (of_floats) {
    const auto values = window.values.last(2);
    const bool reset = kind == Kind::kCounter && values[1] < values[0];
    return {.value = (reset ? values[1] : values[1] - values[0]) / per, .histogram = nullptr};
  }
  std::optional<Histogram> rise = LastHistogramRise(window, kind == Kind::kCounter);
  if (!rise.has_value()) return {};
  rise->Divide(per);
  return CompactSample(*std::move(rise));
}

}  // namespace

Sample Rate(const Window& window) {
  return Extrapolated(window, Kind::kCounter, Seconds(window.end_ms - window.start_ms));
}

Sample Increase(const Window& window) { return Extrapolated(window, Kind::kCounter, 1); }

Sample Delta(const Window& window) { return Extrapolated(window, Kind::kGauge, 1); }

void SlideRate(const FloatWindows& windows, absl::Span<double> out) {
  SlideExtrapolated(windows, Kind::kCounter, Seconds(windows.range_ms), out);
}

void SlideIncrease(const FloatWindows& windows, absl::Span<double> out) {
  SlideExtrapolated(windows, Kind::kCounter, 1, out);
}

void SlideDelta(const FloatWindows& windows, absl::Span<double> out) {
  SlideExtrapolated(windows, Kind::kGauge, 1, out);
}

Sample InstantRate(const Window& window) { return OfLastTwo(window, Kind::kCounter, true); }

Sample InstantDelta(const Window& window) { return OfLastTwo(window, Kind::kGauge, false); }

}  // namespace leadline::collector::promql
