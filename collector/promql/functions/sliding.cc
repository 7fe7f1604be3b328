#include "collector/promql/functions/sliding.h"

#include <algorithm>
#include <cmath>

#include "common/wide.h"

namespace leadline::collector::promql {

size_t WindowBounds::Advance(size_t from, int64_t limit_ms, size_t& stride) const {
  size_t at = std::min(from + stride, ts_ms_.size());
  while (at > from && ts_ms_[at - 1] > limit_ms) --at;
  while (at < ts_ms_.size() && ts_ms_[at] <= limit_ms) ++at;
  stride = at - from;
  return at;
}

KahanSum SlidingSum::MoveTo(size_t begin, size_t end) {
  if (begin >= middle_) {
    // The older samples have left: those that are there now become the older ones.
    suffixes_.clear();
    KahanSum sum;
    for (size_t i = end; i > begin; --i) {
      sum.Add(values_[i - 1]);
      suffixes_.push_back(sum);
    }
    middle_ = end_ = end;
    newer_ = {};
    return sum;
  }
  for (; end_ < end; ++end_) newer_.Add(values_[end_]);
  KahanSum sum = suffixes_[middle_ - 1 - begin];
  sum.Add(newer_.sum);
  sum.compensation += newer_.compensation;
  return sum;
}

namespace {

// Calls value(bounds, i) for each window that has `at_least` samples.
template <typename Value>
void ForEachWindow(const FloatWindows& windows, size_t at_least, absl::Span<double> out,
                   Value value) {
  WindowBounds bounds(windows.ts_ms);
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t end_ms = windows.end_ms(i);
    bounds.MoveTo(end_ms - windows.range_ms, end_ms);
    if (bounds.size() >= at_least) out[i] = value(bounds, i);
  }
}

// The numbers of samples that are `Is` beside the one before them.
template <typename Is>
std::vector<uint32_t> Find(absl::Span<const double> values, Is is) {
  std::vector<uint32_t> found;
  for (size_t i = 1; i < values.size(); ++i) {
    if (is(values[i - 1], values[i])) found.push_back(static_cast<uint32_t>(i));
  }
  return found;
}

// Whether any of the values behind the first is less than the one before it.
LEADLINE_INLINE bool AnyReset(const double* values, size_t count) {
  uint64_t any = 0;
  for (size_t i = 1; i < count; ++i) any |= static_cast<uint64_t>(values[i] < values[i - 1]);
  return any != 0;
}

LEADLINE_AVX2 bool AnyResetWide(const double* values, size_t count) {
  return AnyReset(values, count);
}

bool IsReset(double previous, double value) { return value < previous; }
bool IsChange(double previous, double value) {
  return value != previous && !(std::isnan(value) && std::isnan(previous));
}

// Of ascending numbers, those that are steps between two samples of the window.
class Within {
 public:
  explicit Within(absl::Span<const uint32_t> numbers) : numbers_(numbers) {}
  void MoveTo(const WindowBounds& bounds) {
    while (begin_ < numbers_.size() && numbers_[begin_] <= bounds.begin()) ++begin_;
    end_ = std::max(begin_, end_);
    while (end_ < numbers_.size() && numbers_[end_] < bounds.end()) ++end_;
  }
  size_t begin() const { return begin_; }
  size_t end() const { return end_; }

 private:
  absl::Span<const uint32_t> numbers_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

template <typename Is>
void SlidePairs(const FloatWindows& windows, absl::Span<double> out, Is is) {
  const std::vector<uint32_t> pairs = Find(windows.values, is);
  Within within(pairs);
  ForEachWindow(windows, 1, out, [&](const WindowBounds& bounds, size_t) {
    within.MoveTo(bounds);
    return static_cast<double>(within.end() - within.begin());
  });
}

// The values that the kept ones are no better than leave at once, so the best one is in front.
template <typename Better>
void SlideExtreme(const FloatWindows& windows, absl::Span<double> out, Better better) {
  const auto& values = windows.values;
  std::vector<uint32_t> kept;
  size_t front = 0;
  size_t next = 0;
  ForEachWindow(windows, 1, out, [&](const WindowBounds& bounds, size_t) {
    for (next = std::max(next, bounds.begin()); next < bounds.end(); ++next) {
      if (std::isnan(values[next])) continue;  // gives way to anything
      while (kept.size() > front && better(values[next], values[kept.back()])) kept.pop_back();
      kept.push_back(static_cast<uint32_t>(next));
    }
    while (front < kept.size() && kept[front] < bounds.begin()) ++front;
    if (front == kept.size()) {
      kept.clear();
      front = 0;
      return values[bounds.end() - 1];
    }
    return values[kept[front]];
  });
}

}  // namespace

std::vector<uint32_t> FindResets(absl::Span<const double> values) {
  // Most series have none, and this is quick to see.
  const bool any = HasAvx2() ? AnyResetWide(values.data(), values.size())
                             : AnyReset(values.data(), values.size());
  return any ? Find(values, IsReset) : std::vector<uint32_t>();
}

void SlideSum(const FloatWindows& windows, absl::Span<double> out) {
  SlidingSum sum(windows.values);
  ForEachWindow(windows, 1, out, [&](const WindowBounds& bounds, size_t) {
    return sum.MoveTo(bounds.begin(), bounds.end()).value();
  });
}

void SlideAvg(const FloatWindows& windows, absl::Span<double> out) {
  SlidingSum sum(windows.values);
  ForEachWindow(windows, 1, out, [&](const WindowBounds& bounds, size_t) {
    const double total = sum.MoveTo(bounds.begin(), bounds.end()).value();
    if (!std::isinf(total) || !windows.counted.empty()) {
      return total / static_cast<double>(windows.Count(bounds.begin(), bounds.end()));
    }
    Mean mean;  // the sum may be too large where the mean is not
    for (size_t i = bounds.begin(); i < bounds.end(); ++i) mean.Add(windows.values[i]);
    return mean.value();
  });
}

void SlideMin(const FloatWindows& windows, absl::Span<double> out) {
  SlideExtreme(windows, out, [](double a, double b) { return a < b; });
}

void SlideMax(const FloatWindows& windows, absl::Span<double> out) {
  SlideExtreme(windows, out, [](double a, double b) { return a > b; });
}

void SlideCount(const FloatWindows& windows, absl::Span<double> out) {
  ForEachWindow(windows, 1, out, [&](const WindowBounds& bounds, size_t) {
    return static_cast<double>(windows.Count(bounds.begin(), bounds.end()));
  });
}

void SlidePresent(const FloatWindows& windows, absl::Span<double> out) {
  ForEachWindow(windows, 1, out, [](const WindowBounds&, size_t) { return 1.0; });
}

void SlideLast(const FloatWindows& windows, absl::Span<double> out) {
  ForEachWindow(windows, 1, out, [&](const WindowBounds& bounds, size_t) {
    return windows.values[bounds.end() - 1];
  });
}

void SlideChanges(const FloatWindows& windows, absl::Span<double> out) {
  SlidePairs(windows, out, IsChange);
}

void SlideResets(const FloatWindows& windows, absl::Span<double> out) {
  SlidePairs(windows, out, IsReset);
}

}  // namespace leadline::collector::promql
