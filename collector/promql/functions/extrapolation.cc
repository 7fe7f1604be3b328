#include "collector/promql/functions/extrapolation.h"

namespace leadline::collector::promql {
namespace {

template <typename T>
bool Same(absl::Span<const T> a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

bool ExtrapolatedWindows::IsOf(const FloatWindows& windows, size_t count, double per) const {
  return count == of_.size() && per == per_ && windows.first_end_ms == windows_.first_end_ms &&
         windows.step_ms == windows_.step_ms && windows.range_ms == windows_.range_ms &&
         windows.entity_start_ms == windows_.entity_start_ms &&
         windows.entity_end_ms == windows_.entity_end_ms && Same(windows.ts_ms, ts_ms_) &&
         Same(windows.counted, counted_);
}

void ExtrapolatedWindows::MoveTo(const FloatWindows& windows, size_t count, double per) {
  if (IsOf(windows, count, per)) return;
  ts_ms_.assign(windows.ts_ms.begin(), windows.ts_ms.end());
  counted_.assign(windows.counted.begin(), windows.counted.end());
  windows_ = windows;
  windows_.ts_ms = ts_ms_;
  windows_.values = {};
  windows_.counted = counted_;
  windows_.lost = {};
  windows_.extrapolated = nullptr;
  per_ = per;
  of_.resize(count);
  FindSamples();
  FindScales();
}

Extent ExtrapolatedWindows::ExtentOf(size_t i) const {
  const int64_t end_ms = windows_.end_ms(i);
  const size_t first = of_[i].first;
  const size_t last = of_[i].last;
  return {end_ms - windows_.range_ms,      end_ms,
          windows_.ts_ms[first],           windows_.ts_ms[last],
          windows_.Count(first, last + 1), windows_.entity_start_ms,
          windows_.entity_end_ms};
}

void ExtrapolatedWindows::FindSamples() {
  WindowBounds bounds(windows_.ts_ms);
  for (size_t i = 0; i < of_.size(); ++i) {
    const int64_t end_ms = windows_.end_ms(i);
    bounds.MoveTo(end_ms - windows_.range_ms, end_ms);
    of_[i].first = static_cast<uint32_t>(bounds.begin());
    of_[i].last = static_cast<uint32_t>(bounds.begin() + std::max<size_t>(bounds.size(), 1) - 1);
  }
}

// What ExtrapolationFactor does, of many windows at once: divisions are most of it.
void ExtrapolatedWindows::FindScales() {
  constexpr size_t kAtOnce = 64;
  double sampled[kAtOnce];
  double gaps[kAtOnce];
  double to_start[kAtOnce];
  double to_end[kAtOnce];
  double scale[kAtOnce];
  const double per = per_;
  for (size_t begin = 0; begin < of_.size(); begin += kAtOnce) {
    const size_t count = std::min(kAtOnce, of_.size() - begin);
    for (size_t j = 0; j < count; ++j) {
      const Of& window = of_[begin + j];
      sampled[j] = gaps[j] = 1;
      to_start[j] = to_end[j] = 0;
      if (!window.has()) continue;
      const Extent extent = ExtentOf(begin + j);
      sampled[j] = static_cast<double>(extent.last_ms - extent.first_ms);
      gaps[j] = static_cast<double>(extent.count - 1);
      to_start[j] = static_cast<double>(extent.first_ms - extent.start_ms);
      to_end[j] = static_cast<double>(extent.end_ms - extent.last_ms);
    }
    for (size_t j = 0; j < count; ++j) {
      sampled[j] /= 1000;
      const double average = sampled[j] / gaps[j];
      const double reach = average * kReachFactor;
      const double half = average / 2;
      const double start = to_start[j] / 1000;
      const double end = to_end[j] / 1000;
      to_start[j] = start >= reach ? half : start;
      to_end[j] = end >= reach ? half : end;
      scale[j] = (sampled[j] + to_start[j] + to_end[j]) / sampled[j] / per;
    }
    for (size_t j = 0; j < count; ++j) {
      Of& window = of_[begin + j];
      window.sampled_s = sampled[j];
      window.twice_to_start_s = 2 * to_start[j];
      window.scale = scale[j];
    }
  }
  // What they are about begins or ends within the reach of some.
  const bool has_start = windows_.entity_start_ms != 0;
  const bool has_end = windows_.entity_end_ms != std::numeric_limits<int64_t>::max();
  for (size_t i = 0; (has_start || has_end) && i < of_.size(); ++i) {
    if (!of_[i].has()) continue;
    const int64_t first_ms = windows_.ts_ms[of_[i].first];
    const int64_t last_ms = windows_.ts_ms[of_[i].last];
    if ((has_start && first_ms - windows_.entity_start_ms < windows_.range_ms) ||
        (has_end && windows_.entity_end_ms - last_ms < windows_.range_ms)) {
      of_[i].scale = ExtrapolationFactor(ExtentOf(i), /*is_counter=*/false, 0, 0) / per;
    }
  }
}

}  // namespace leadline::collector::promql
