#include "collector/promql/functions/smoothing.h"

#include <fmt/format.h>

#include "collector/promql/value/remarks.h"

namespace leadline::collector::promql {

Sample DoubleExponentialSmoothing(const Window& window) {
  if (!window.values.empty() && !window.histograms.empty()) {
    window.remarker->Inform(remarks::HistogramIgnoredInRange(window.name));
  }
  if (window.values.size() < 2) return {};
  const double value_weight = window.parameters[0];
  const double trend_weight = window.parameters[1];
  double level = window.values[0];
  double trend = window.values[1] - window.values[0];
  for (size_t i = 1; i < window.values.size(); ++i) {
    const double before = level;
    level = value_weight * window.values[i] + (1 - value_weight) * (level + trend);
    trend = trend_weight * (level - before) + (1 - trend_weight) * trend;
  }
  return {.value = level, .histogram = nullptr};
}

std::string SmoothingComplaint(absl::Span<const double> parameters) {
  constexpr const char* kNames[] = {"smoothing", "trend"};
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i] > 0 && parameters[i] < 1) continue;
    return fmt::format("invalid {} factor. Expected: 0 < {} < 1, got: {:f}", kNames[i],
                       i == 0 ? "sf" : "tf", parameters[i]);
  }
  return "";
}

}  // namespace leadline::collector::promql
