// Range functions over all windows of a series at once, where it has floats alone: each sample is
// looked at a few times, however many windows it is in.
//
// The results are those of the functions' kernels (rate.h, over_time.h), to the last bits of sums,
// which are never made by subtraction: what left a window leaves no rounding behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/types/span.h"

#include "collector/promql/value/running.h"

namespace leadline::collector::promql {

class ExtrapolatedWindows;

// Window i holds the samples in (end_ms(i) - range_ms, end_ms(i)]. Views of the series' columns,
// without staleness markers; ascending.
struct FloatWindows {
  absl::Span<const int64_t> ts_ms;
  absl::Span<const double> values;
  int64_t first_end_ms = 0;
  int64_t step_ms = 0;
  int64_t range_ms = 0;
  // The life of what the series is about, as in store::SeriesBlock.
  int64_t entity_start_ms = 0;
  int64_t entity_end_ms = std::numeric_limits<int64_t>::max();

  // Where samples stand for more than themselves (store::SeriesBlock), else empty: for how many
  // those before each do, and all at the end; and what falls before each were from.
  absl::Span<const uint64_t> counted;
  absl::Span<const double> lost;

  // What is kept from one series to the next (extrapolation.h); nullptr: nothing.
  ExtrapolatedWindows* extrapolated = nullptr;

  // For how many samples [begin, end) stand.
  size_t Count(size_t begin, size_t end) const {
    return counted.empty() ? end - begin : counted[end] - counted[begin];
  }
  int64_t end_ms(size_t i) const { return first_end_ms + static_cast<int64_t>(i) * step_ms; }
};

// Puts the value of window i into out[i] and leaves it where there is none.
using SlidingKernel = void (*)(const FloatWindows& windows, absl::Span<double> out);

void SlideRate(const FloatWindows& windows, absl::Span<double> out);
void SlideIncrease(const FloatWindows& windows, absl::Span<double> out);
void SlideDelta(const FloatWindows& windows, absl::Span<double> out);
void SlideSum(const FloatWindows& windows, absl::Span<double> out);
void SlideAvg(const FloatWindows& windows, absl::Span<double> out);
void SlideMin(const FloatWindows& windows, absl::Span<double> out);
void SlideMax(const FloatWindows& windows, absl::Span<double> out);
void SlideCount(const FloatWindows& windows, absl::Span<double> out);
void SlidePresent(const FloatWindows& windows, absl::Span<double> out);
void SlideLast(const FloatWindows& windows, absl::Span<double> out);
void SlideChanges(const FloatWindows& windows, absl::Span<double> out);
void SlideResets(const FloatWindows& windows, absl::Span<double> out);

// The numbers of the samples that are less than those before them.
std::vector<uint32_t> FindResets(absl::Span<const double> values);

// The samples of a window, by number; moves on from window to window. Where samples are as far
// apart as they were it takes one look.
class WindowBounds {
 public:
  explicit WindowBounds(absl::Span<const int64_t> ts_ms) : ts_ms_(ts_ms) {}

  // REQUIRES: neither is less than the last time.
  void MoveTo(int64_t after_ms, int64_t up_to_ms) {
    begin_ = Advance(begin_, after_ms, begin_stride_);
    end_ = Advance(end_ < begin_ ? begin_ : end_, up_to_ms, end_stride_);
  }
  size_t begin() const { return begin_; }
  size_t end() const { return end_; }
  size_t size() const { return end_ - begin_; }

 private:
  // The first at or behind `from` that is after `limit_ms`; guessed to be `stride` further.
  size_t Advance(size_t from, int64_t limit_ms, size_t& stride) const;

  absl::Span<const int64_t> ts_ms_;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t begin_stride_ = 0;
  size_t end_stride_ = 0;
};

// The sum of a part of a column whose ends only move on: sums up to each of the older samples, made
// once for many windows, and one of the newer.
class SlidingSum {
 public:
  explicit SlidingSum(absl::Span<const double> values) : values_(values) {}

  // Of [begin, end). REQUIRES: begin <= end, neither less than the last time.
  KahanSum MoveTo(size_t begin, size_t end);

 private:
  absl::Span<const double> values_;
  std::vector<KahanSum> suffixes_;  // [i]: of [middle_ - 1 - i, middle_)
  size_t middle_ = 0;
  size_t end_ = 0;
  KahanSum newer_;  // of [middle_, end_)
};

}  // namespace leadline::collector::promql
