#include "collector/promql/exec/limit.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "collector/promql/value/remarks.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

void AppendSized(std::string_view text, std::string& bytes) {
  constexpr size_t kShort = 255;  // a size from there on is told in three more bytes
  bytes.push_back(static_cast<char>(std::min(text.size(), kShort)));
  for (int shift = 0; text.size() >= kShort && shift < 24; shift += 8) {
    bytes.push_back(static_cast<char>(text.size() >> shift));
  }
  bytes += text;
}

// Where the labels are among all that there could be, from 0 to 1: where Prometheus has them, so
// that a part here is the part there.
double PlaceOf(const StepSeries& series) {
  std::string bytes;
  for (const Label& label : *series.labels) {
    AppendSized(label.name, bytes);
    AppendSized(label.value, bytes);
  }
  return static_cast<double>(XXH64(bytes.data(), bytes.size(), 0)) /
         static_cast<double>(std::numeric_limits<uint64_t>::max());
}

}  // namespace

absl::Status LimitK::Add(StepSeries series, Emit emit) {
  LL_ASSIGN_OR_RETURN(const size_t group, grouping_.GroupOf(series));
  if (group == taken_.size()) {
    LL_RETURN_IF_ERROR(held_.Add(k_.size()));
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
