#include "collector/promql/functions/rate.h"

#include <algorithm>
#include <limits>
#include <memory>

namespace leadline::collector::promql {
namespace {

// Sampled closer than this many average intervals to an end of the range, a series is taken to
// reach that end.
constexpr double kReachFactor = 1.1;

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

// What the window's increase is multiplied by. `first` is the counter at the first sample and
// `rise` its increase over the samples.
double ExtrapolationFactor(const Window& window, absl::Span<const int64_t> ts_ms, double first,
                           double rise) {
  const double sampled = Seconds(ts_ms.back() - ts_ms.front());
  const double average = sampled / static_cast<double>(ts_ms.size() - 1);
  double to_start = Seconds(ts_ms.front() - window.start_ms);
  double to_end = Seconds(window.end_ms - ts_ms.back());
  if (to_start >= average * kReachFactor) to_start = average / 2;
  // A counter is not negative: it is not extrapolated to before it would have been zero.
  if (rise > 0 && first >= 0) to_start = std::min(to_start, sampled * (first / rise));
  if (to_end >= average * kReachFactor) to_end = average / 2;
  if (window.entity_start_ms != 0) {
    to_start = std::clamp(Seconds(ts_ms.front() - window.entity_start_ms), 0.0, to_start);
  }
  if (window.entity_end_ms != std::numeric_limits<int64_t>::max()) {
    to_end = std::clamp(Seconds(window.entity_end_ms - ts_ms.back()), 0.0, to_end);
  }
  return (sampled + to_start + to_end) / sampled;
}

double Rise(absl::Span<const double> values) {
  double rise = values.back() - values.front();
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] < values[i - 1]) rise += values[i - 1];  // the counter was reset
  }
  return rise;
}

Histogram Rise(absl::Span<const model::NativeHistogram> values) {
  Histogram rise = Histogram::From(values.back());
  rise.Add(Histogram::From(values.front()), -1);
  for (size_t i = 1; i < values.size(); ++i) {
    if (WasReset(values[i - 1], values[i])) rise.Add(Histogram::From(values[i - 1]));
  }
  rise.Compact();
  return rise;
}

// `per` is 1 for the increase itself, or the seconds to divide it by.
Sample Increase(const Window& window, double per) {
  // A window with both floats and histograms has no rate.
  if (!window.values.empty() && !window.histograms.empty()) return {};
  if (window.values.size() > 1) {
    const double rise = Rise(window.values);
    const double factor = ExtrapolationFactor(window, window.ts_ms, window.values.front(), rise);
    return {.value = rise * (factor / per), .histogram = nullptr};
  }
  if (window.histograms.size() > 1) {
    Histogram rise = Rise(window.histograms);
    const double first = static_cast<double>(window.histograms.front().count);
    rise.Scale(ExtrapolationFactor(window, window.histogram_ts_ms, first, rise.count) / per);
    return {.value = AbsentValue(),
            .histogram = std::make_shared<const Histogram>(std::move(rise))};
  }
  return {};
}

}  // namespace

Sample RateKernel(const Window& window) {
  return Increase(window, Seconds(window.end_ms - window.start_ms));
}

Sample IncreaseKernel(const Window& window) { return Increase(window, 1); }

}  // namespace leadline::collector::promql
