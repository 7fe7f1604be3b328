#include "collector/promql/functions/time_grid.h"

#include <algorithm>

namespace leadline::collector::promql {
namespace {

// Samples by time, as if they went on as far apart as they are at one of them.
struct Timetable {
  int64_t from_ms = 0;
  double number = 0;  // of the sample at that time
  double per_ms = 0;

  // Rounded down, but for what is a hair below.
  size_t At(int64_t ts_ms) const {
    constexpr double kHair = 1e-4;
    const double at = number + static_cast<double>(ts_ms - from_ms) * per_ms;
    return static_cast<size_t>(static_cast<int64_t>(at + kHair));
  }
};

// The first sample behind `from` that is after the time. REQUIRES: there is one.
size_t SearchFrom(const int64_t* ts_ms, size_t count, size_t from, int64_t up_to_ms) {
  size_t reach = 1;
  while (from + reach < count && ts_ms[from + reach] <= up_to_ms) {
    from += reach;
    reach *= 2;
  }
  const int64_t* const end = ts_ms + std::min(count, from + reach + 1);
  return static_cast<size_t>(std::upper_bound(ts_ms + from, end, up_to_ms) - ts_ms);
}

}  // namespace

void CountUpTo(absl::Span<const int64_t> all_ts_ms, int64_t first_ms, int64_t step_ms,
               absl::Span<uint32_t> all_counts) {
  const int64_t* const ts_ms = all_ts_ms.data();
  const size_t count = all_ts_ms.size();
  uint32_t* const counts = all_counts.data();
  size_t i = 0;
  int64_t up_to_ms = first_ms;
  const auto next = [&](size_t samples) {
    counts[i++] = static_cast<uint32_t>(samples);
    up_to_ms += step_ms;
  };
  while (i < all_counts.size() && (count == 0 || up_to_ms < ts_ms[0])) next(0);
  if (i < all_counts.size() && up_to_ms < ts_ms[count - 1]) {
    Timetable timetable{
        ts_ms[0], 0,
        static_cast<double>(count - 1) / static_cast<double>(ts_ms[count - 1] - ts_ms[0])};
    while (i < all_counts.size() && up_to_ms < ts_ms[count - 1]) {
      size_t samples = std::min(timetable.At(up_to_ms), count - 2) + 1;
      if (ts_ms[samples - 1] > up_to_ms || ts_ms[samples] <= up_to_ms) {
        samples = SearchFrom(ts_ms, count, i == 0 ? 0 : counts[i - 1], up_to_ms);
        timetable = {ts_ms[samples - 1], static_cast<double>(samples - 1),
                     1 / static_cast<double>(ts_ms[samples] - ts_ms[samples - 1])};
      }
      next(samples);
    }
  }
  while (i < all_counts.size()) next(count);
}

}  // namespace leadline::collector::promql
