#include "collector/promql/value/histogram_columns.h"

#include <algorithm>
#include <utility>

#include "collector/promql/value/sums.h"
#include "common/wide.h"

namespace leadline::collector::promql {
namespace {

using model::BucketId;
using model::NativeHistogram;

// Puts the buckets of histogram `i` into their columns; false where there are too many.
bool FillBuckets(const NativeHistogram& histogram, bool are_negative, size_t i, size_t& near,
                 HistogramColumns& columns) {
  for (const auto& bucket : are_negative ? histogram.negative : histogram.positive) {
    const absl::Span<double> column = columns.ColumnOf({are_negative, bucket.index}, near);
    if (column.empty()) return false;
    column[i] = histogram.AsDouble(bucket.count);
  }
  return true;
}

// A gauge without empty buckets of what value(column) gives.
template <typename Value>
Histogram GaugeOf(const model::BucketLayout& layout, absl::Span<const BucketId> buckets,
                  Value value) {
  Histogram histogram;
  histogram.schema = layout.schema;
  histogram.reset_hint = model::ResetHint::kGauge;
  histogram.zero_threshold = layout.zero_threshold;
  histogram.zero_count = value(HistogramColumns::kZeroCount);
  histogram.count = value(HistogramColumns::kCount);
  histogram.sum = value(HistogramColumns::kSum);
  double counts[HistogramColumns::kMaxBuckets];
  size_t filled = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    counts[i] = value(HistogramColumns::kFields + i);
    filled += counts[i] != 0 && !buckets[i].is_negative ? 1 : 0;
  }
  histogram.positive.reserve(filled);
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (counts[i] == 0) continue;
    auto& own = buckets[i].is_negative ? histogram.negative : histogram.positive;
    own.push_back({buckets[i].index, counts[i]});
  }
  return histogram;
}

LEADLINE_INLINE bool AnyFell(const double* column, size_t count) {
  uint64_t fell = 0;
  for (size_t i = 1; i < count; ++i) fell |= static_cast<uint64_t>(column[i] < column[i - 1]);
  return fell != 0;
}

LEADLINE_AVX2 bool AnyFellWide(const double* column, size_t count) {
  return AnyFell(column, count);
}

}  // namespace

std::optional<HistogramColumns> AsColumns(absl::Span<const NativeHistogram> histograms) {
  if (histograms.empty() || histograms.front().schema == model::kCustomBuckets) return std::nullopt;
  const model::BucketLayout layout{histograms.front().schema, histograms.front().zero_threshold};
  HistogramColumns columns(layout, histograms.size(),
                           histograms.back().positive.size() + histograms.back().negative.size());
  for (size_t i = 0; i < histograms.size(); ++i) {
    const NativeHistogram& histogram = histograms[i];
    size_t near = 0;
    if (model::BucketLayout{histogram.schema, histogram.zero_threshold} != layout ||
        histogram.reset_hint == model::ResetHint::kGauge ||
        !FillBuckets(histogram, /*are_negative=*/false, i, near, columns) ||
        !FillBuckets(histogram, /*are_negative=*/true, i, near, columns)) {
      return std::nullopt;
    }
    columns.Column(HistogramColumns::kZeroCount)[i] = histogram.AsDouble(histogram.zero_count);
    columns.Column(HistogramColumns::kCount)[i] = histogram.AsDouble(histogram.count);
    columns.Column(HistogramColumns::kSum)[i] = histogram.sum;
    if (histogram.reset_hint == model::ResetHint::kReset) {
      columns.said_resets.push_back(static_cast<uint32_t>(i));
    }
  }
  return columns;
}

Histogram GaugeAt(const HistogramColumns& columns, size_t i) {
  return GaugeOf(columns.layout(), columns.buckets(),
                 [&](size_t column) { return columns.Column(column)[i]; });
}

std::vector<uint32_t> FindResets(const HistogramColumns& columns) {
  std::vector<uint32_t> resets = columns.said_resets;
  if (!resets.empty() && resets.front() == 0) resets.erase(resets.begin());
  const size_t said = resets.size();
  for (size_t i = 0; i < columns.width(); ++i) {
    if (i == HistogramColumns::kSum) continue;  // it is no count, and may fall
    const absl::Span<const double> column = columns.Column(i);
    const bool any_fell = HasAvx2() ? AnyFellWide(column.data(), column.size())
                                    : AnyFell(column.data(), column.size());
    if (!any_fell) continue;
    for (uint32_t k = 1; k < column.size(); ++k) {
      if (column[k] < column[k - 1]) resets.push_back(k);
    }
  }
  if (resets.size() == said) return resets;
  std::sort(resets.begin(), resets.end());
  resets.erase(std::unique(resets.begin(), resets.end()), resets.end());
  return resets;
}

bool SumsOfColumns::Takes(const HistogramColumns& columns) const {
  if (sums_.empty()) return true;
  return columns.layout() == layout_ &&
         WidthWith(columns) <= HistogramColumns::kFields + HistogramColumns::kMaxBuckets;
}

size_t SumsOfColumns::WidthWith(const HistogramColumns& columns) const {
  size_t width = HistogramColumns::kFields + buckets_.size();
  auto own = buckets_.begin();
  for (const BucketId& bucket : columns.buckets()) {
    while (own != buckets_.end() && *own < bucket) ++own;
    width += own == buckets_.end() || *own != bucket ? 1 : 0;
  }
  return width;
}

void SumsOfColumns::Add(const HistogramColumns& columns, absl::Span<const uint8_t> has) {
  if (sums_.empty()) {
    layout_ = columns.layout();
    for (size_t i = 0; i < HistogramColumns::kFields; ++i) sums_.push_back(NoSums());
  }
  const auto is_there = [](uint8_t one) { return one != 0; };
  const auto begin =
      static_cast<size_t>(std::find_if(has.begin(), has.end(), is_there) - has.begin());
  const auto end =
      has.size() -
      static_cast<size_t>(std::find_if(has.rbegin(), has.rend(), is_there) - has.rbegin());
  if (begin >= end) return;
  const auto add = [&](size_t from, size_t to) {
    double* const sums = sums_[to].get() + begin;
    AddSparseToSums(columns.Column(from).data() + begin, end - begin, sums, sums + has_.size());
  };
  for (size_t i = 0; i < HistogramColumns::kFields; ++i) add(i, i);
  size_t own = 0;
  for (size_t i = 0; i < columns.buckets().size(); ++i) {
    const BucketId& bucket = columns.buckets()[i];
    while (own < buckets_.size() && buckets_[own] < bucket) ++own;
    const size_t to = HistogramColumns::kFields + own;
    if (own == buckets_.size() || buckets_[own] != bucket) {
      buckets_.insert(buckets_.begin() + static_cast<ptrdiff_t>(own), bucket);
      sums_.insert(sums_.begin() + static_cast<ptrdiff_t>(to), NoSums());
    }
    add(HistogramColumns::kFields + i, to);
  }
  for (size_t step = 0; step < has_.size(); ++step) has_[step] |= has[step];
}

Histogram SumsOfColumns::value(size_t step) const {
  return GaugeOf(layout_, buckets_, [&](size_t column) { return At(column, step).value(); });
}

SumOfHistograms SumsOfColumns::AsSum(size_t step) const {
  Histogram layout;
  layout.schema = layout_.schema;
  layout.reset_hint = model::ResetHint::kGauge;
  layout.zero_threshold = layout_.zero_threshold;
  SumOfHistograms sum(layout, At(HistogramColumns::kZeroCount, step),
                      At(HistogramColumns::kCount, step), At(HistogramColumns::kSum, step));
  for (size_t i = 0; i < buckets_.size(); ++i) {
    const KahanSum count = At(HistogramColumns::kFields + i, step);
    if (count.sum == 0 && count.compensation == 0) continue;
    if (buckets_[i].is_negative) {
      sum.AppendNegative(buckets_[i].index, count);
    } else {
      sum.AppendPositive(buckets_[i].index, count);
    }
  }
  return sum;
}

}  // namespace leadline::collector::promql
