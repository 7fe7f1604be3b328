#include "collector/promql/functions/histogram_sliding.h"

#include <algorithm>
#include <cmath>

#include "collector/promql/functions/extrapolation.h"
#include "collector/promql/functions/sliding.h"

namespace leadline::collector::promql {
namespace {

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
  // The samples at both ends of a window, and its resets, by number.
  struct Ends {
    uint32_t first = 0;
    uint32_t last = 0;
    uint32_t first_reset = 0;
    uint32_t end_reset = 0;
  };

  double RiseOf(const double* column, const Ends& window) const;

  absl::Span<const uint32_t> resets_;
  std::vector<uint8_t> has_;
  std::vector<Ends> windows_;
  std::vector<double> scales_;
  size_t first_ = 0;  // of all windows
  size_t last_ = 0;
};

Rises::Rises(const HistogramWindows& histograms, size_t count, double per)
    : resets_(histograms.resets), has_(count), windows_(count), scales_(count) {
  ExtrapolatedWindows own;
  ExtrapolatedWindows* const kept = histograms.windows.extrapolated;
  ExtrapolatedWindows& extrapolated = kept == nullptr ? own : *kept;
  extrapolated.MoveTo(histograms.windows, count, per);
  const double* const counts = histograms.columns.Column(HistogramColumns::kCount).data();
  uint32_t first_reset = 0;
  uint32_t end_reset = 0;
  bool any = false;
  for (size_t i = 0; i < count; ++i) {
    if (!extrapolated[i].has()) continue;
    Ends& window = windows_[i];
    window.first = extrapolated[i].first;
    window.last = extrapolated[i].last;
    while (first_reset < resets_.size() && resets_[first_reset] <= window.first) ++first_reset;
    end_reset = std::max(first_reset, end_reset);
    while (end_reset < resets_.size() && resets_[end_reset] <= window.last) ++end_reset;
    window.first_reset = first_reset;
    window.end_reset = end_reset;
    scales_[i] =
        extrapolated.Scale(i, /*is_counter=*/true, counts[window.first], RiseOf(counts, window));
    has_[i] = 1;
    if (!any) first_ = window.first;
    any = true;
    last_ = window.last;
  }
}

double Rises::RiseOf(const double* column, const Ends& window) const {
  absl::Span<const uint32_t> resets =
      resets_.subspan(window.first_reset, window.end_reset - window.first_reset);
  double rise = column[window.last];
  // The second sample tells all that is to be known of a first one before a reset.
  if (!resets.empty() && resets.front() == window.first + 1) {
    resets.remove_prefix(1);
  } else {
    rise -= column[window.first];
  }
  for (const uint32_t reset : resets) rise += column[reset - 1];
  return rise;
}

bool Rises::MayRise(absl::Span<const double> column) const {
  const double first = column[first_];
  if (!std::isfinite(first) || (first != 0 && !resets_.empty())) return true;
  int changes = 0;
  for (size_t i = first_; i <= last_; ++i) changes |= column[i] != first ? 1 : 0;
  return changes != 0;
}

void Rises::Find(absl::Span<const double> column, absl::Span<double> rises) const {
  const double* const cells = column.data();
  if (resets_.empty()) {
    for (size_t i = 0; i < windows_.size(); ++i) {
      const double rise = (cells[windows_[i].last] - cells[windows_[i].first]) * scales_[i];
      rises[i] = has_[i] != 0 ? rise : 0;
    }
    return;
  }
  for (size_t i = 0; i < windows_.size(); ++i) {
    rises[i] = has_[i] != 0 ? RiseOf(cells, windows_[i]) * scales_[i] : 0;
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
      rises.Find(column, out.columns.ColumnOf(columns.buckets()[i], near));
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
