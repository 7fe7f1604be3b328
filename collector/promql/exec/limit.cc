#include "collector/promql/exec/limit.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "collector/promql/value/remarks.h"
#include "common/id128.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

// Where the labels are among all that there could be, from 0 to below 1.
double PlaceOf(const StepSeries& series) {
  constexpr int kMantissaBits = 53;
  const uint64_t hash = HashId({series.VisibleLabels().ToString()}).high;
  return std::ldexp(static_cast<double>(hash >> (64 - kMantissaBits)), -kMantissaBits);
}

}  // namespace

absl::Status LimitK::Add(StepSeries series, Emit emit) {
  const size_t group = grouping_.GroupOf(series);
  if (group == taken_.size()) {
    LL_RETURN_IF_ERROR(context_.budget.Charge(k_.size()));
    held_ += k_.size();
    taken_.emplace_back(k_.size());
  }
  bool any = false;
  for (size_t step = 0; step < k_.size(); ++step) {
    if (!series.has(step)) continue;
    if (taken_[group][step] >= k_[step]) {
      series.Clear(step);
    } else {
      ++taken_[group][step];
      any = true;
    }
  }
  return any ? emit(std::move(series)) : absl::OkStatus();
}

void LimitRatio(const std::vector<double>& ratio, StepSeries& series) {
  const double place = PlaceOf(series);
  for (size_t step = 0; step < ratio.size(); ++step) {
    const bool kept = ratio[step] >= 0 ? place < ratio[step] : place >= 1 + ratio[step];
    if (!kept) series.Clear(step);
  }
}

absl::Status CapRatios(std::vector<double>& ratio, const Remarker& remarker) {
  for (double& at_step : ratio) {
    if (std::isnan(at_step)) return absl::FailedPreconditionError("Ratio value is NaN");
    const double capped = std::clamp(at_step, -1.0, 1.0);
    if (capped != at_step) remarker.Warn(remarks::InvalidRatio(at_step, capped));
    at_step = capped;
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::promql::exec
