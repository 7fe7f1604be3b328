#include "collector/promql/functions/extrapolation.h"

#include "collector/promql/value/wide.h"

namespace leadline::collector::promql {
namespace {

template <typename T>
bool Same(absl::Span<const T> a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// Some windows, in columns.
struct AtOnce {
  static constexpr size_t kMost = 64;
  double sampled[kMost];  // in milliseconds at first
  double gaps[kMost];
  double to_start[kMost];
  double to_end[kMost];
  double scale[kMost];
};

// What ExtrapolationFactor does, of many windows: divisions are most of it.
LEADLINE_INLINE void FindScales(AtOnce& windows, size_t count, double per) {
  for (size_t j = 0; j < count; ++j) {
    const double sampled = windows.sampled[j] / 1000;
    const double average = sampled / windows.gaps[j];
    const double reach = average * kReachFactor;
    const double half = average / 2;
    const double start = windows.to_start[j] / 1000;
    const double end = windows.to_end[j] / 1000;
    const double to_start = start >= reach ? half : start;
    const double to_end = end >= reach ? half : end;
    windows.sampled[j] = sampled;
    windows.to_start[j] = to_start;
    windows.scale[j] = (sampled + to_start + to_end) / sampled / per;
  }
}

LEADLINE_AVX2 void FindScalesWide(AtOnce& windows, size_t count, double per) {
  FindScales(windows, count, per);
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
  Find();
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

void ExtrapolatedWindows::Find() {
  AtOnce at_once;
  WindowBounds bounds(ts_ms_);
  for (size_t begin = 0; begin < of_.size(); begin += AtOnce::kMost) {
    const size_t count = std::min(AtOnce::kMost, of_.size() - begin);
    for (size_t j = 0; j < count; ++j) {
      const int64_t end_ms = windows_.end_ms(begin + j);
      const int64_t start_ms = end_ms - windows_.range_ms;
      bounds.MoveTo(start_ms, end_ms);
      Of& window = of_[begin + j];
      window.first = window.last = static_cast<uint32_t>(bounds.begin());
      at_once.sampled[j] = at_once.gaps[j] = 1;
      at_once.to_start[j] = at_once.to_end[j] = 0;
      if (bounds.size() < 2) continue;
      window.last = static_cast<uint32_t>(bounds.end() - 1);
      const int64_t first_ms = ts_ms_[window.first];
      const int64_t last_ms = ts_ms_[window.last];
      at_once.sampled[j] = static_cast<double>(last_ms - first_ms);
      at_once.gaps[j] = static_cast<double>(windows_.Count(bounds.begin(), bounds.end()) - 1);
      at_once.to_start[j] = static_cast<double>(first_ms - start_ms);
      at_once.to_end[j] = static_cast<double>(end_ms - last_ms);
    }
    if (HasAvx2()) {
      FindScalesWide(at_once, count, per_);
    } else {
      FindScales(at_once, count, per_);
    }
    for (size_t j = 0; j < count; ++j) {
      Of& window = of_[begin + j];
      window.sampled_s = at_once.sampled[j];
      window.twice_to_start_s = 2 * at_once.to_start[j];
      window.scale = at_once.scale[j];
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
      of_[i].scale = ExtrapolationFactor(ExtentOf(i), /*is_counter=*/false, 0, 0) / per_;
    }
  }
}

}  // namespace leadline::collector::promql
