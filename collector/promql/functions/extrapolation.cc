#include "collector/promql/functions/extrapolation.h"

#include "collector/promql/functions/time_grid.h"
#include "common/wide.h"

namespace leadline::collector::promql {
namespace {

// Windows that are looked at together.
constexpr size_t kAtOnce = 64;

template <typename T>
bool Same(absl::Span<const T> a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// Some windows, in columns.
struct AtOnce {
  int64_t first_ms[kAtOnce];
  int64_t last_ms[kAtOnce];
  int64_t gaps[kAtOnce];  // between their samples
  int64_t sampled_ms[kAtOnce];
  int64_t to_start_ms[kAtOnce];
  int64_t to_end_ms[kAtOnce];
  // How long what they are about had lived at their first sample, and lived on after their last.
  int64_t lived_ms[kAtOnce];
  int64_t lives_on_ms[kAtOnce];
};

// What lies between the samples of windows, of which the first one ends at `end_ms`, and their
// ends. Of those without two samples something that does no harm.
LEADLINE_INLINE void FindDistances(int64_t end_ms, int64_t step_ms, int64_t range_ms, size_t count,
                                   AtOnce& windows) {
  for (size_t j = 0; j < count; ++j) {
    const bool has = windows.gaps[j] > 0;
    windows.gaps[j] = has ? windows.gaps[j] : 1;
    windows.sampled_ms[j] = has ? windows.last_ms[j] - windows.first_ms[j] : 1;
    windows.to_start_ms[j] = has ? windows.first_ms[j] - end_ms + range_ms : 0;
    windows.to_end_ms[j] = has ? end_ms - windows.last_ms[j] : 0;
    end_ms += step_ms;
  }
}

LEADLINE_AVX2 void FindDistancesWide(int64_t end_ms, int64_t step_ms, int64_t range_ms,
                                     size_t count, AtOnce& windows) {
  FindDistances(end_ms, step_ms, range_ms, count, windows);
}

// Whether all windows are sampled so close to both of their ends that they are taken to reach them,
// as most are: known without a division by staying clear of the bound.
LEADLINE_INLINE bool ReachEnds(const AtOnce& windows, size_t count) {
  constexpr double kSurely = kReachFactor - 0.001;
  uint64_t all = 1;
  for (size_t j = 0; j < count; ++j) {
    const double gaps = ToDouble(windows.gaps[j]);
    const double reach = ToDouble(windows.sampled_ms[j]) * kSurely;
    all &= static_cast<uint64_t>(ToDouble(windows.to_start_ms[j]) * gaps < reach);
    all &= static_cast<uint64_t>(ToDouble(windows.to_end_ms[j]) * gaps < reach);
  }
  return all != 0;
}

// What it reaches to may not be before or behind the life of what it is about.
LEADLINE_INLINE double WithinLife(double life, double to) {
  const double within = life < to ? life : to;
  return within < 0 ? 0 : within;
}

// What ExtrapolationFactor does, of many windows: divisions are most of it.
LEADLINE_INLINE void FindScalesOf(const AtOnce& windows, size_t count, double per,
                                  const ExtrapolatedWindows::Scales& scales) {
  for (size_t j = 0; j < count; ++j) {
    const double sampled = ToDouble(windows.sampled_ms[j]) / 1000;
    const double average = sampled / ToDouble(windows.gaps[j]);
    const double reach = average * kReachFactor;
    const double half = average / 2;
    const double start = ToDouble(windows.to_start_ms[j]) / 1000;
    const double end = ToDouble(windows.to_end_ms[j]) / 1000;
    const double lived = ToDouble(windows.lived_ms[j]) / 1000;
    const double lives_on = ToDouble(windows.lives_on_ms[j]) / 1000;
    const double to_start = WithinLife(lived, start >= reach ? half : start);
    const double to_end = WithinLife(lives_on, end >= reach ? half : end);
    scales.sampled_s[j] = sampled;
    scales.twice_to_start_s[j] = 2 * to_start;
    scales.scale[j] = (sampled + to_start + to_end) / sampled / per;
  }
}

LEADLINE_AVX2 void FindScalesOfWide(const AtOnce& windows, size_t count, double per,
                                    const ExtrapolatedWindows::Scales& scales) {
  FindScalesOf(windows, count, per, scales);
}

// The same of windows that reach their ends, within the life of what they are about.
LEADLINE_AVX2 bool FindReachingScalesWide(const AtOnce& windows, size_t count, double per,
                                          const ExtrapolatedWindows::Scales& scales) {
  if (!ReachEnds(windows, count)) return false;
  const Divisor thousand(1000);
  const Divisor seconds(per);
  for (size_t j = 0; j < count; ++j) {
    const double sampled = Divide(ToDouble(windows.sampled_ms[j]), thousand);
    const double to_start = Divide(ToDouble(windows.to_start_ms[j]), thousand);
    const double to_end = Divide(ToDouble(windows.to_end_ms[j]), thousand);
    scales.sampled_s[j] = sampled;
    scales.twice_to_start_s[j] = 2 * to_start;
    scales.scale[j] = Divide((sampled + to_start + to_end) / sampled, seconds);
  }
  return true;
}

// The rises of some windows by what timestamps tell, where their last sample is not their first;
// whether the values tell otherwise in any of them.
LEADLINE_INLINE bool ScaleAll(const double* rises, const double* firsts,
                              const ExtrapolatedWindows::Scales& scales, const uint32_t* first,
                              const uint32_t* last, size_t count, double* out) {
  uint64_t any = 0;
  for (size_t j = 0; j < count; ++j) {
    const double product = rises[j] * scales.scale[j];
    const bool may_be_zero = (rises[j] > 0) & (firsts[j] >= 0);
    const bool is_far = (firsts[j] * scales.sampled_s[j] > scales.twice_to_start_s[j] * rises[j]) |
                        (scales.twice_to_start_s[j] == 0);
    const bool has = last[j] > first[j];
    any |= static_cast<uint64_t>(has & may_be_zero & !is_far);
    out[j] = has ? product : out[j];
  }
  return any != 0;
}

LEADLINE_AVX2 bool ScaleAllWide(const double* rises, const double* firsts,
                                const ExtrapolatedWindows::Scales& scales, const uint32_t* first,
                                const uint32_t* last, size_t count, double* out) {
  return ScaleAll(rises, firsts, scales, first, last, count, out);
}

}  // namespace

bool ExtrapolatedWindows::IsOf(const FloatWindows& windows, size_t count, double per) const {
  return count == size() && per == per_ && windows.first_end_ms == windows_.first_end_ms &&
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
  for (auto* column : {&first_, &last_}) column->resize(count);
  for (auto* column : {&sampled_s_, &twice_to_start_s_, &scale_, &rises_}) column->resize(count);
  FindSamples();
  FindScales();
}

Extent ExtrapolatedWindows::ExtentOf(size_t i) const {
  const int64_t end_ms = windows_.end_ms(i);
  const size_t first = first_[i];
  const size_t last = last_[i];
  return {end_ms - windows_.range_ms,      end_ms,
          windows_.ts_ms[first],           windows_.ts_ms[last],
          windows_.Count(first, last + 1), windows_.entity_start_ms,
          windows_.entity_end_ms};
}

// Windows that end at or after the first sample and begin before the last: no others have any.
void ExtrapolatedWindows::FindReached() {
  begin_ = 0;
  end_ = ts_ms_.empty() ? 0 : size();
  if (end_ == 0 || windows_.step_ms == 0) return;
  const auto windows_up_to = [&](int64_t end_ms) {
    if (end_ms < windows_.first_end_ms) return size_t{0};
    const int64_t steps = (end_ms - windows_.first_end_ms) / windows_.step_ms;
    return static_cast<size_t>(std::min(steps + 1, static_cast<int64_t>(size())));
  };
  begin_ = windows_up_to(ts_ms_.front() - 1);
  end_ = std::max(begin_, windows_up_to(ts_ms_.back() + windows_.range_ms - 1));
}

void ExtrapolatedWindows::FindSamples() {
  FindReached();
  const size_t count = end_ - begin_;
  const int64_t first_end_ms = windows_.end_ms(begin_);
  const int64_t begin_ms = first_end_ms - windows_.range_ms;
  // Where ranges hold whole steps most of them begin where others end.
  const bool is_shared = windows_.step_ms > 0 && windows_.range_ms % windows_.step_ms == 0 &&
                         static_cast<uint64_t>(windows_.range_ms / windows_.step_ms) < count;
  const size_t behind =
      is_shared ? static_cast<size_t>(windows_.range_ms / windows_.step_ms) : count;
  counts_.resize(count + behind);
  const auto counts = absl::MakeSpan(counts_);
  CountUpTo(ts_ms_, begin_ms, windows_.step_ms, is_shared ? counts : counts.first(count));
  if (!is_shared) {
    CountUpTo(ts_ms_, first_end_ms, windows_.step_ms, counts.subspan(count));
  }
  const uint32_t* const begins = counts_.data();
  const uint32_t* const ends = begins + behind;
  for (auto* column : {&first_, &last_}) {
    std::fill_n(column->begin(), begin_, 0);
    std::fill(column->begin() + static_cast<ptrdiff_t>(end_), column->end(), 0);
  }
  uint32_t* const firsts = first_.data() + begin_;
  uint32_t* const lasts = last_.data() + begin_;
  for (size_t i = 0; i < count; ++i) {
    const bool has = ends[i] > begins[i] + 1;
    firsts[i] = has ? begins[i] : 0;
    lasts[i] = has ? ends[i] - 1 : 0;
  }
  while (begin_ < end_ && last_[begin_] == 0) ++begin_;
  while (end_ > begin_ && last_[end_ - 1] == 0) --end_;
}

void ExtrapolatedWindows::FindScales() {
  AtOnce at_once;
  const int64_t* const ts_ms = ts_ms_.data();
  for (size_t begin = begin_; begin < end_; begin += kAtOnce) {
    const size_t count = std::min(kAtOnce, end_ - begin);
    const uint32_t* const firsts = first_.data() + begin;
    const uint32_t* const lasts = last_.data() + begin;
    for (size_t j = 0; j < count; ++j) {
      at_once.first_ms[j] = ts_ms[firsts[j]];
      at_once.last_ms[j] = ts_ms[lasts[j]];
      at_once.gaps[j] = lasts[j] - firsts[j];
    }
    for (size_t j = 0; !counted_.empty() && j < count; ++j) {
      if (at_once.gaps[j] == 0) continue;
      at_once.gaps[j] = static_cast<int64_t>(windows_.Count(firsts[j], lasts[j] + 1)) - 1;
    }
    const int64_t end_ms = windows_.end_ms(begin);
    if (HasAvx2()) {
      FindDistancesWide(end_ms, windows_.step_ms, windows_.range_ms, count, at_once);
    } else {
      FindDistances(end_ms, windows_.step_ms, windows_.range_ms, count, at_once);
    }
    const bool may_begin = MayBeginWithin(begin);
    const bool may_end = MayEndWithin(begin, count);
    const Scales scales = ScalesFrom(begin);
    if (HasAvx2() && !may_begin && !may_end &&
        FindReachingScalesWide(at_once, count, per_, scales)) {
      continue;
    }
    for (size_t j = 0; j < count; ++j) {
      at_once.lived_ms[j] =
          may_begin ? at_once.first_ms[j] - windows_.entity_start_ms : windows_.range_ms;
      at_once.lives_on_ms[j] =
          may_end ? windows_.entity_end_ms - at_once.last_ms[j] : windows_.range_ms;
    }
    if (HasAvx2()) {
      FindScalesOfWide(at_once, count, per_, scales);
    } else {
      FindScalesOf(at_once, count, per_, scales);
    }
  }
}

// Whether what the windows from `begin` on are about may have begun to live within one of them.
bool ExtrapolatedWindows::MayBeginWithin(size_t begin) const {
  return windows_.entity_start_ms != 0 &&
         ts_ms_[first_[begin]] - windows_.entity_start_ms < windows_.range_ms;
}

// The same of its end and some windows.
bool ExtrapolatedWindows::MayEndWithin(size_t begin, size_t count) const {
  if (windows_.entity_end_ms == std::numeric_limits<int64_t>::max()) return false;
  const uint32_t* const lasts = last_.data() + begin;
  return windows_.entity_end_ms - ts_ms_[*std::max_element(lasts, lasts + count)] <
         windows_.range_ms;
}

absl::Span<double> ExtrapolatedWindows::Rises(absl::Span<const double> values) {
  const double* const of = values.data();
  for (size_t i = begin_; i < end_; ++i) rises_[i] = of[last_[i]] - of[first_[i]];
  return absl::MakeSpan(rises_);
}

void ExtrapolatedWindows::ScaleRises(absl::Span<const double> values, bool is_counter,
                                     absl::Span<double> out) {
  const double* const of = values.data();
  double firsts[kAtOnce];
  for (size_t begin = begin_; begin < end_; begin += kAtOnce) {
    const size_t count = std::min(kAtOnce, end_ - begin);
    const uint32_t* const first = first_.data() + begin;
    const uint32_t* const last = last_.data() + begin;
    for (size_t j = 0; j < count; ++j) firsts[j] = of[first[j]];
    const Scales scales = ScalesFrom(begin);
    const double* const rises = rises_.data() + begin;
    double* const to = out.data() + begin;
    const bool any = HasAvx2() ? ScaleAllWide(rises, firsts, scales, first, last, count, to)
                               : ScaleAll(rises, firsts, scales, first, last, count, to);
    for (size_t j = 0; any && is_counter && j < count; ++j) {
      if (last[j] > first[j]) to[j] = rises[j] * Scale(begin + j, is_counter, firsts[j], rises[j]);
    }
  }
}

}  // namespace leadline::collector::promql
