#include "collector/promql/functions/histogram_sliding.h"

#include <algorithm>
#include <cmath>

#include "collector/promql/functions/extrapolation.h"
#include "collector/promql/functions/sliding.h"
#include "common/wide.h"

namespace leadline::collector::promql {
namespace {

LEADLINE_INLINE bool AnyDiffers(const double* values, size_t count, double from) {
  uint64_t differs = 0;
  for (size_t i = 0; i < count; ++i) differs |= static_cast<uint64_t>(values[i] != from);
  return differs != 0;
}

LEADLINE_AVX2 bool AnyDiffersWide(const double* values, size_t count, double from) {
  return AnyDiffers(values, count, from);
}

// What rose between two samples of each of many windows; 0 where they are one.
void FindRises(const double* cells, const uint32_t* firsts, const uint32_t* lasts,
               const double* scales, size_t count, double* rises) {
  for (size_t i = 0; i < count; ++i) {
    const double rise = (cells[lasts[i]] - cells[firsts[i]]) * scales[i];
    rises[i] = lasts[i] > firsts[i] ? rise : 0;
  }
}

// How much each column rose in each window.
class Rises {
 public:
  // `per` is 1 for the increase itself, or the seconds to divide it by.
  Rises(const HistogramWindows& histograms, size_t count, double per);

  const std::vector<uint8_t>& has() const { return has_; }
  // Whether the column may have risen in any window.
  bool MayRise(absl::Span<const double> column) const;
  // Zeros where the window has none.
  void Find(absl::Span<const double> column, absl::Span<double> rises) const;

 private:
  // The resets in a window, by number.
  struct ResetsIn {
    uint32_t first = 0;
    uint32_t end = 0;
  };

  double RiseOf(const double* column, size_t window) const;

  absl::Span<const uint32_t> resets_;
  // A window each.
  std::vector<uint8_t> has_;
  std::vector<uint32_t> firsts_;  // the samples at both ends; 0 where it has not two
  std::vector<uint32_t> lasts_;
  std::vector<double> scales_;
  std::vector<ResetsIn> resets_in_;
  size_t first_ = 0;  // of all windows
  size_t last_ = 0;
};

Rises::Rises(const HistogramWindows& histograms, size_t count, double per)
    : resets_(histograms.resets),
      has_(count),
      firsts_(count),
      lasts_(count),
      scales_(count),
      resets_in_(count) {
  ExtrapolatedWindows own;
  ExtrapolatedWindows* const kept = histograms.windows.extrapolated;
  ExtrapolatedWindows& extrapolated = kept == nullptr ? own : *kept;
  extrapolated.MoveTo(histograms.windows, count, per);
  const double* const counts = histograms.columns.Column(HistogramColumns::kCount).data();
  uint32_t first_reset = 0;
  uint32_t end_reset = 0;
  bool any = false;
  for (size_t i = 0; i < count; ++i) {
    const ExtrapolatedWindows::Of window = extrapolated[i];
    if (!window.has()) continue;
    firsts_[i] = window.first;
    lasts_[i] = window.last;
    while (first_reset < resets_.size() && resets_[first_reset] <= window.first) ++first_reset;
    end_reset = std::max(first_reset, end_reset);
    while (end_reset < resets_.size() && resets_[end_reset] <= window.last) ++end_reset;
    resets_in_[i] = {first_reset, end_reset};
    scales_[i] =
        extrapolated.Scale(i, /*is_counter=*/true, counts[window.first], RiseOf(counts, i));
    has_[i] = 1;
    if (!any) first_ = window.first;
    any = true;
    last_ = window.last;
  }
}

double Rises::RiseOf(const double* column, size_t window) const {
  const ResetsIn in = resets_in_[window];
  absl::Span<const uint32_t> resets = resets_.subspan(in.first, in.end - in.first);
  double rise = column[lasts_[window]];
  // The second sample tells all that is to be known of a first one before a reset.
  if (!resets.empty() && resets.front() == firsts_[window] + 1) {
    resets.remove_prefix(1);
  } else {
    rise -= column[firsts_[window]];
  }
  for (const uint32_t reset : resets) rise += column[reset - 1];
  return rise;
}

bool Rises::MayRise(absl::Span<const double> column) const {
  const double first = column[first_];
  if (!std::isfinite(first) || (first != 0 && !resets_.empty())) return true;
  const double* const values = column.data() + first_;
  const size_t count = last_ - first_ + 1;
  return HasAvx2() ? AnyDiffersWide(values, count, first) : AnyDiffers(values, count, first);
}

void Rises::Find(absl::Span<const double> column, absl::Span<double> rises) const {
  const double* const cells = column.data();
  if (resets_.empty()) {
    return FindRises(cells, firsts_.data(), lasts_.data(), scales_.data(), rises.size(),
                     rises.data());
  }
  for (size_t i = 0; i < rises.size(); ++i) {
    rises[i] = has_[i] != 0 ? RiseOf(cells, i) * scales_[i] : 0;
  }
}

WindowColumns SlideRise(const HistogramWindows& histograms, size_t count, double per) {
  const HistogramColumns& columns = histograms.columns;
  const Rises rises(histograms, count, per);
  WindowColumns out{HistogramColumns(columns.layout(), count, columns.buckets().size()),
                    rises.has()};
  for (size_t i = 0; i < HistogramColumns::kFields; ++i) {
    rises.Find(columns.Column(i), out.columns.Column(i));
  }
  size_t near = 0;
  for (size_t i = 0; i < columns.buckets().size(); ++i) {
    const absl::Span<const double> column = columns.Column(HistogramColumns::kFields + i);
    if (rises.MayRise(column)) {
      rises.Find(column, out.columns.ColumnOf(columns.buckets()[i], near, 0, count));
    }
  }
  return out;
}

}  // namespace

bool WindowColumns::any() const {
  return std::any_of(has.begin(), has.end(), [](uint8_t one) { return one != 0; });
}

WindowColumns SlideHistogramRate(const HistogramWindows& windows, size_t count) {
  return SlideRise(windows, count, Seconds(windows.windows.range_ms));
}

WindowColumns SlideHistogramIncrease(const HistogramWindows& windows, size_t count) {
  return SlideRise(windows, count, 1);
}

}  // namespace leadline::collector::promql
