#include "collector/promql/value/histogram_rows.h"

#include <algorithm>
#include <utility>

#include "collector/promql/value/sums.h"

namespace leadline::collector::promql {
namespace {

using ModelBuckets = std::vector<model::NativeHistogram::Bucket>;

RowShape::Range RangeOf(const ModelBuckets& buckets) {
  if (buckets.empty()) return {};
  const int64_t size = int64_t{buckets.back().index} - buckets.front().index + 1;
  return {buckets.front().index, static_cast<size_t>(size)};
}

void FillBuckets(const model::NativeHistogram& histogram, const ModelBuckets& buckets,
                 const RowShape::Range& range, double* cells) {
  for (const auto& bucket : buckets) {
    cells[bucket.index - range.first] = histogram.AsDouble(bucket.count);
  }
}

// Calls use(index, cell) for the buckets of the range whose cells begin at `cell`.
template <typename Use>
void ForEachCell(const RowShape::Range& range, size_t cell, Use use) {
  for (size_t i = 0; i < range.size; ++i) use(range.first + static_cast<int32_t>(i), cell + i);
}

template <typename Value>
void AppendFilled(const RowShape::Range& range, size_t cell, Value value,
                  std::vector<Histogram::Bucket>& out) {
  size_t filled = 0;
  ForEachCell(range, cell, [&](int32_t, size_t at) { filled += value(at) != 0 ? 1 : 0; });
  out.reserve(filled);
  ForEachCell(range, cell, [&](int32_t index, size_t at) {
    if (const double count = value(at); count != 0) out.push_back({index, count});
  });
}

// A gauge without empty buckets of what value(cell) gives.
template <typename Value>
Histogram GaugeOf(const RowShape& shape, Value value) {
  Histogram histogram;
  histogram.schema = shape.schema;
  histogram.reset_hint = model::ResetHint::kGauge;
  histogram.zero_threshold = shape.zero_threshold;
  histogram.zero_count = value(RowShape::kZeroCount);
  histogram.count = value(RowShape::kCount);
  histogram.sum = value(RowShape::kSum);
  AppendFilled(shape.positive, RowShape::kFields, value, histogram.positive);
  AppendFilled(shape.negative, RowShape::kFields + shape.positive.size, value, histogram.negative);
  return histogram;
}

bool AnyCellFell(const double* before, const double* now, size_t begin, size_t end) {
  bool fell = false;
  for (size_t i = begin; i < end; ++i) fell |= now[i] < before[i];
  return fell;
}

}  // namespace

std::optional<HistogramRows> AsRows(absl::Span<const model::NativeHistogram> histograms) {
  if (histograms.empty() || histograms.front().schema == model::kCustomBuckets) return std::nullopt;
  RowShape shape;
  shape.schema = histograms.front().schema;
  shape.zero_threshold = histograms.front().zero_threshold;
  for (const model::NativeHistogram& histogram : histograms) {
    if (histogram.schema != shape.schema || histogram.zero_threshold != shape.zero_threshold ||
        histogram.reset_hint == model::ResetHint::kGauge) {
      return std::nullopt;
    }
    shape.positive.Cover(RangeOf(histogram.positive));
    shape.negative.Cover(RangeOf(histogram.negative));
  }
  if (shape.width() > RowShape::kMaxWidth) return std::nullopt;
  HistogramRows rows(shape, histograms.size());
  for (size_t i = 0; i < histograms.size(); ++i) {
    const model::NativeHistogram& histogram = histograms[i];
    double* const row = rows.Row(i).data();
    std::fill(row + RowShape::kFields, row + shape.width(), 0);
    row[RowShape::kZeroCount] = histogram.AsDouble(histogram.zero_count);
    row[RowShape::kCount] = histogram.AsDouble(histogram.count);
    row[RowShape::kSum] = histogram.sum;
    FillBuckets(histogram, histogram.positive, shape.positive, row + RowShape::kFields);
    FillBuckets(histogram, histogram.negative, shape.negative,
                row + RowShape::kFields + shape.positive.size);
    if (histogram.reset_hint == model::ResetHint::kReset) {
      rows.said_resets.push_back(static_cast<uint32_t>(i));
    }
  }
  return rows;
}

Histogram GaugeAt(const HistogramRows& rows, size_t i) {
  const absl::Span<const double> row = rows.Row(i);
  return GaugeOf(rows.shape(), [row](size_t cell) { return row[cell]; });
}

std::vector<uint32_t> FindResets(const HistogramRows& rows) {
  std::vector<uint32_t> resets;
  auto said = rows.said_resets.begin();
  for (uint32_t i = 1; i < rows.size(); ++i) {
    while (said != rows.said_resets.end() && *said < i) ++said;
    const double* const before = rows.Row(i - 1).data();
    const double* const now = rows.Row(i).data();
    // The sum is no count, and may fall.
    if ((said != rows.said_resets.end() && *said == i) ||
        AnyCellFell(before, now, RowShape::kZeroCount, RowShape::kSum) ||
        AnyCellFell(before, now, RowShape::kFields, rows.shape().width())) {
      resets.push_back(i);
    }
  }
  return resets;
}

bool SumsOfRows::Takes(const RowShape& shape) const {
  if (!any_) return true;
  if (!shape_.IsLike(shape)) return false;
  RowShape both = shape_;
  both.Cover(shape);
  return both.width() <= RowShape::kMaxWidth;
}

RowShape SumsOfRows::Wider(const RowShape& shape) const {
  RowShape wider = any_ ? shape_ : shape;
  wider.Cover(shape);
  return wider;
}

void SumsOfRows::Widen(const RowShape& shape) {
  const RowShape wider = Wider(shape);
  if (any_ && wider == shape_) return;
  std::vector<double> sums(has_.size() * wider.width());
  std::vector<double> compensations(sums.size());
  for (size_t step = 0; any_ && step < has_.size(); ++step) {
    if (!has(step)) continue;
    ForEachPart(shape_, wider, [&](size_t from, size_t to, size_t count) {
      from += step * shape_.width();
      to += step * wider.width();
      std::copy_n(sums_.data() + from, count, sums.data() + to);
      std::copy_n(compensations_.data() + from, count, compensations.data() + to);
    });
  }
  shape_ = wider;
  sums_ = std::move(sums);
  compensations_ = std::move(compensations);
  any_ = true;
}

void SumsOfRows::Add(const HistogramRows& rows, absl::Span<const uint8_t> has) {
  Widen(rows.shape());
  ForEachPart(rows.shape(), shape_, [&](size_t from, size_t to, size_t count) {
    for (size_t step = 0; step < has_.size(); ++step) {
      if (has[step] == 0) continue;
      const size_t at = step * shape_.width() + to;
      AddToSums(rows.Row(step).data() + from, count, sums_.data() + at, compensations_.data() + at);
    }
  });
  for (size_t step = 0; step < has_.size(); ++step) has_[step] |= has[step];
}

Histogram SumsOfRows::value(size_t step) const {
  const size_t row = step * shape_.width();
  return GaugeOf(shape_,
                 [&](size_t cell) { return sums_[row + cell] + compensations_[row + cell]; });
}

SumOfHistograms SumsOfRows::AsSum(size_t step) const {
  const size_t row = step * shape_.width();
  const auto at = [&](size_t cell) {
    return KahanSum{.sum = sums_[row + cell], .compensation = compensations_[row + cell]};
  };
  Histogram layout;
  layout.schema = shape_.schema;
  layout.reset_hint = model::ResetHint::kGauge;
  layout.zero_threshold = shape_.zero_threshold;
  SumOfHistograms sum(layout, at(RowShape::kZeroCount), at(RowShape::kCount), at(RowShape::kSum));
  const auto is_empty = [](const KahanSum& count) {
    return count.sum == 0 && count.compensation == 0;
  };
  ForEachCell(shape_.positive, RowShape::kFields, [&](int32_t index, size_t cell) {
    if (!is_empty(at(cell))) sum.AppendPositive(index, at(cell));
  });
  ForEachCell(shape_.negative, RowShape::kFields + shape_.positive.size,
              [&](int32_t index, size_t cell) {
                if (!is_empty(at(cell))) sum.AppendNegative(index, at(cell));
              });
  return sum;
}

}  // namespace leadline::collector::promql
