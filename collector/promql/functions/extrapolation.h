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
// next. In columns, for what is done with all windows at once.
class ExtrapolatedWindows {
 public:
  struct Of {
    uint32_t first = 0;  // the numbers of its samples at both ends; 0 where it has less than two
    uint32_t last = 0;

    bool has() const { return last > first; }
  };
  // Columns, from some window on.
  struct Scales {
    double* sampled_s;
    double* twice_to_start_s;  // how far it reaches before its first sample
    double* scale;             // the factor by `per`
  };
  // What is kept of a window.
  static constexpr size_t kBytes = 4 * sizeof(uint32_t) + 4 * sizeof(double);

  ExtrapolatedWindows() = default;
  ExtrapolatedWindows(ExtrapolatedWindows&&) = default;
  ExtrapolatedWindows& operator=(ExtrapolatedWindows&&) = default;

  // `per`: the seconds of a rate, or 1. Does nothing where all is as the last time.
  void MoveTo(const FloatWindows& windows, size_t count, double per);

  size_t size() const { return first_.size(); }
  Of operator[](size_t i) const { return {first_[i], last_[i]}; }

  // What the increase over window `i` is multiplied by. REQUIRES: the window has two samples.
  double Scale(size_t i, bool is_counter, double first, double rise) const {
    return IsAsTimesTell(i, is_counter, first, rise) ? scale_[i]
                                                     : WholeScale(i, is_counter, first, rise);
  }

  // From the first sample of each window that has two to its last. Valid until it is called again,
  // to be changed by who knows of more than that.
  absl::Span<double> Rises(absl::Span<const double> values);
  // Puts what Rises gave, multiplied by its scale, into out[i] where window `i` has two samples.
  void ScaleRises(absl::Span<const double> values, bool is_counter, absl::Span<double> out);

 private:
  bool IsOf(const FloatWindows& windows, size_t count, double per) const;
  Extent ExtentOf(size_t i) const;
  void FindReached();
  void FindSamples();
  void FindScales();
  bool MayBeginWithin(size_t begin) const;
  bool MayEndWithin(size_t begin, size_t count) const;
  Scales ScalesFrom(size_t i) {
    return {sampled_s_.data() + i, twice_to_start_s_.data() + i, scale_.data() + i};
  }
  // Whether a counter was zero within the window's reach is mostly known without a division: not
  // where it reaches nothing, or where the counter would have been zero at twice that.
  bool IsAsTimesTell(size_t i, bool is_counter, double first, double rise) const {
    return !is_counter || !(rise > 0 && first >= 0) || twice_to_start_s_[i] == 0 ||
           first * sampled_s_[i] > twice_to_start_s_[i] * rise;
  }
  double WholeScale(size_t i, bool is_counter, double first, double rise) const {
    return ExtrapolationFactor(ExtentOf(i), is_counter, first, rise) / per_;
  }

  // Before and behind these no window has two samples.
  size_t begin_ = 0;
  size_t end_ = 0;
  // A window each.
  std::vector<uint32_t> first_;
  std::vector<uint32_t> last_;
  std::vector<double> sampled_s_;
  std::vector<double> twice_to_start_s_;
  std::vector<double> scale_;
  std::vector<double> rises_;

  std::vector<uint32_t> counts_;  // of samples up to the ends of windows, and to their begins
  double per_ = 0;
  FloatWindows windows_;  // its views are of what follows, and of nothing else
  std::vector<int64_t> ts_ms_;
  std::vector<uint64_t> counted_;
};

}  // namespace leadline::collector::promql
