#include "collector/store/rollup/buckets.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "collector/store/rollup/histograms.h"
#include "common/kahan_sum.h"

namespace leadline::collector::store::rollup {
namespace {

// One fall in so many samples, or more: no counter.
constexpr size_t kSamplesAFall = 8;

// One bucket of floats, sample by sample.
class FloatBucket {
 public:
  FloatBucket(int64_t end_ms, int64_t ts_ms, double value)
      : end_ms_(end_ms), first_ms_(ts_ms), first_(value), min_(value), max_(value) {
    Take(ts_ms, value);
  }

  int64_t end_ms() const { return end_ms_; }
  size_t falls() const { return falls_; }

  void Add(int64_t ts_ms, double value) {
    if (value < last_) {
      lost_.Add(last_);
      ++falls_;
    }
    if (std::isnan(min_) || value < min_) min_ = value;
    if (std::isnan(max_) || value > max_) max_ = value;
    Take(ts_ms, value);
  }

  void Put(Buckets& buckets) const {
    const auto put = [&](Column column, double value) {
      buckets.Floats(column).Append(end_ms_, value);
    };
    const bool is_too_large = all_finite_ && !std::isfinite(sum_.value());
    put(Column::kLast, last_);
    put(Column::kMax, max_);
    put(Column::kMin, min_);
    put(Column::kFirst, first_);
    put(Column::kSum, is_too_large ? NotKept() : sum_.value());
    put(Column::kLost, lost_.value());
    put(Column::kCount, static_cast<double>(count_));
    put(Column::kLastBack, static_cast<double>(end_ms_ - last_ms_));
    put(Column::kFirstBack, static_cast<double>(end_ms_ - first_ms_));
  }

 private:
  void Take(int64_t ts_ms, double value) {
    last_ms_ = ts_ms;
    last_ = value;
    all_finite_ &= std::isfinite(value);
    sum_.Add(value);
    ++count_;
  }

  const int64_t end_ms_;
  const int64_t first_ms_;
  const double first_;
  int64_t last_ms_ = 0;
  double last_ = 0;
  double min_;
  double max_;
  KahanSum sum_;
  KahanSum lost_;
  size_t count_ = 0;
  size_t falls_ = 0;
  bool all_finite_ = true;
};

void FoldFloats(const chunk::Floats& samples, int64_t resolution_ms, Buckets& buckets) {
  size_t falls = 0;
  size_t i = 0;
  while (i < samples.size()) {
    if (model::IsStaleNan(samples.values[i])) {
      ++i;
      continue;
    }
    FloatBucket bucket(BucketEnd(samples.ts_ms[i], resolution_ms), samples.ts_ms[i],
                       samples.values[i]);
    for (++i; i < samples.size() && samples.ts_ms[i] <= bucket.end_ms(); ++i) {
      if (!model::IsStaleNan(samples.values[i])) bucket.Add(samples.ts_ms[i], samples.values[i]);
    }
    falls += bucket.falls();
    bucket.Put(buckets);
  }
  if (falls * kSamplesAFall <= samples.size()) return;
  std::vector<double>& lost = buckets.Floats(Column::kLost).values;
  std::fill(lost.begin(), lost.end(), NotKept());
}

void FoldHistograms(const chunk::Histograms& samples, int64_t resolution_ms, Buckets& buckets) {
  std::vector<size_t> of_bucket;
  for (size_t i = 0; i < samples.size();) {
    const int64_t end_ms = BucketEnd(samples.ts_ms[i], resolution_ms);
    of_bucket.clear();
    for (; i < samples.size() && samples.ts_ms[i] <= end_ms; ++i) {
      if (!model::IsStaleNan(samples.values[i].sum)) of_bucket.push_back(i);
    }
    if (of_bucket.empty()) continue;
    buckets.Floats(Column::kHistogramCount).Append(end_ms, static_cast<double>(of_bucket.size()));
    const auto at = [&](size_t k) -> const model::NativeHistogram& {
      return samples.values[of_bucket[k]];
    };
    bool with_next = false;  // of the one before: whether it differs from this one
    for (size_t k = 0; k < of_bucket.size(); ++k) {
      const bool with_previous = with_next;
      with_next = k + 1 < of_bucket.size() && !CountsOn(at(k), at(k + 1));
      if (k > 0 && k + 1 < of_bucket.size() && !with_previous && !with_next) continue;
      buckets.Histograms(Column::kHistogramEnds).Append(samples.ts_ms[of_bucket[k]], at(k));
    }
    HistogramSum sum(at(0));
    for (size_t k = 1; k < of_bucket.size(); ++k) sum.Add(at(k));
    if (sum.is_kept()) buckets.Histograms(Column::kHistogramSum).Append(end_ms, sum.value());
  }
}

}  // namespace

std::string_view NameOf(Column column) {
  constexpr std::string_view kNames[] = {
      "last",           "max",          "min",       "first",      "sum",
      "lost",           "count",        "last back", "first back", "histogram count",
      "histogram ends", "histogram sum"};
  static_assert(std::size(kNames) == kFloatColumns + kHistogramColumns);
  const auto number = static_cast<size_t>(column);
  return number < std::size(kNames) ? kNames[number] : "";
}

void Buckets::Clear() {
  for (chunk::Floats& column : floats) column.Clear();
  for (chunk::Histograms& column : histograms) column.Clear();
}

void Fold(const chunk::MergedSamples& samples, int64_t resolution_ms, Buckets& buckets) {
  buckets.Clear();
  FoldFloats(samples.floats, resolution_ms, buckets);
  FoldHistograms(samples.histograms, resolution_ms, buckets);
}

}  // namespace leadline::collector::store::rollup
