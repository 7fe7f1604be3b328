// What rate, increase and delta make of how much a series rose between its samples; see rate.h.
//
// Not synchronized; pure functions beside what says so.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "collector/promql/functions/sliding.h"
#include "collector/promql/functions/window.h"

namespace leadline::collector::promql {

// Sampled closer than this many average intervals to an end of the range, a series is taken to
// reach that end.
inline constexpr double kReachFactor = 1.1;

// The samples of a window that its extrapolation looks at, and the life of what they are about.
struct Extent {
  int64_t start_ms;
  int64_t end_ms;
  int64_t first_ms;
  int64_t last_ms;
  size_t count;
  int64_t entity_start_ms;
  int64_t entity_end_ms;
};

// What the window's increase is multiplied by. `first` is the value at the first sample and `rise`
// its increase over the samples.
inline double ExtrapolationFactor(const Extent& extent, bool is_counter, double first,
                                  double rise) {
  const double sampled = Seconds(extent.last_ms - extent.first_ms);
  const double average = sampled / static_cast<double>(extent.count - 1);
  double to_start = Seconds(extent.first_ms - extent.start_ms);
  double to_end = Seconds(extent.end_ms - extent.last_ms);
  if (to_start >= average * kReachFactor) to_start = average / 2;
  // A counter is not negative: it is not extrapolated to before it would have been zero.
  if (is_counter && rise > 0 && first >= 0) {
    to_start = std::min(to_start, sampled * (first / rise));
  }
  if (to_end >= average * kReachFactor) to_end = average / 2;
  if (extent.entity_start_ms != 0) {
    to_start = std::clamp(Seconds(extent.first_ms - extent.entity_start_ms), 0.0, to_start);
  }
  if (extent.entity_end_ms != std::numeric_limits<int64_t>::max()) {
    to_end = std::clamp(Seconds(extent.entity_end_ms - extent.last_ms), 0.0, to_end);
  }
  return (sampled + to_start + to_end) / sampled;
}

// All windows of a series: which samples they have, and what their increase is multiplied by as far
// as timestamps tell it. Series that were sampled together share it, so it is kept from one to the
// next.
class ExtrapolatedWindows {
 public:
  struct Of {
    uint32_t first = 0;  // the numbers of its samples at both ends
    uint32_t last = 0;   // the same where it has less than two
    double sampled_s = 0;
    double twice_to_start_s = 0;  // how far it reaches before its first sample
    double scale = 0;             // the factor by `per`

    bool has() const { return last > first; }
  };

  ExtrapolatedWindows() = default;
  ExtrapolatedWindows(ExtrapolatedWindows&&) = default;
  ExtrapolatedWindows& operator=(ExtrapolatedWindows&&) = default;

  // `per`: the seconds of a rate, or 1. Does nothing where all is as the last time.
  void MoveTo(const FloatWindows& windows, size_t count, double per);

  size_t size() const { return of_.size(); }
  const Of& operator[](size_t i) const { return of_[i]; }

  // What the increase over window `i` is multiplied by. REQUIRES: the window has two samples.
  double Scale(size_t i, bool is_counter, double first, double rise) const {
    const Of& window = of_[i];
    // Whether a counter was zero within the window's reach is mostly known without a division: not
    // where it would have been at twice that.
    if (!is_counter || !(rise > 0 && first >= 0) ||
        first * window.sampled_s > window.twice_to_start_s * rise) {
      return window.scale;
    }
    return ExtrapolationFactor(ExtentOf(i), is_counter, first, rise) / per_;
  }

 private:
  bool IsOf(const FloatWindows& windows, size_t count, double per) const;
  Extent ExtentOf(size_t i) const;
  void Find();

  std::vector<Of> of_;
  double per_ = 0;
  FloatWindows windows_;  // its views are of what follows, and of nothing else
  std::vector<int64_t> ts_ms_;
  std::vector<uint64_t> counted_;
};

}  // namespace leadline::collector::promql
