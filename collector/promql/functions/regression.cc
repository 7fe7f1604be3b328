#include "collector/promql/functions/regression.h"

#include <cmath>

#include "collector/promql/value/floats.h"
#include "collector/promql/value/remarks.h"
#include "collector/promql/value/running.h"

namespace leadline::collector::promql {
namespace {

struct Line {
  double slope = 0;  // by second
  double intercept = 0;
};

// `origin_ms` is where the intercept is.
Line Fit(const Window& window, int64_t origin_ms) {
  const double first = window.values.front();
  bool constant = true;
  KahanSum sum_x, sum_y, sum_xy, sum_xx;
  for (size_t i = 0; i < window.values.size(); ++i) {
    const double x = Seconds(window.ts_ms[i] - origin_ms);
    const double y = window.values[i];
    constant = constant && (i == 0 || y == first);
    sum_x.Add(x);
    sum_y.Add(y);
    sum_xy.Add(x * y);
    sum_xx.Add(x * x);
  }
  if (constant) {
    return std::isinf(first) ? Line{kNan, kNan} : Line{0, first};
  }
  const auto n = static_cast<double>(window.values.size());
  const double covariance = sum_xy.value() - sum_x.value() * sum_y.value() / n;
  const double variance = sum_xx.value() - sum_x.value() * sum_x.value() / n;
  const double slope = covariance / variance;
  return {slope, sum_y.value() / n - slope * sum_x.value() / n};
}

bool CanFit(const Window& window) {
  if (!window.values.empty() && !window.histograms.empty()) {
    window.remarker->Inform(remarks::HistogramIgnoredInRange(window.name));
  }
  return window.values.size() > 1;
}

}  // namespace

Sample Deriv(const Window& window) {
  if (!CanFit(window)) return {};
  return {.value = Fit(window, window.ts_ms.front()).slope, .histogram = nullptr};
}

Sample PredictLinear(const Window& window) {
  if (!CanFit(window)) return {};
  const Line line = Fit(window, window.eval_ms);
  return {.value = line.slope * window.parameters.front() + line.intercept, .histogram = nullptr};
}

}  // namespace leadline::collector::promql
