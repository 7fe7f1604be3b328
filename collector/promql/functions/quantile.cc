#include "collector/promql/functions/quantile.h"

#include <algorithm>
#include <cmath>

#include "collector/promql/value/floats.h"
#include "collector/promql/value/running.h"

namespace leadline::collector::promql {
namespace {

// A bucket of a native histogram with its bounds.
struct Bounded {
  double lower = 0;
  double upper = 0;
  double count = 0;

  bool has_zero() const { return lower <= 0 && upper >= 0; }

  // How far into the bucket the value is, from 0 to 1.
  double FractionAt(double value) const {
    if (has_zero()) return upper > lower ? (value - lower) / (upper - lower) : 0;
    const double log_lower = std::log2(std::fabs(lower));
    const double log_upper = std::log2(std::fabs(upper));
    return (std::log2(std::fabs(value)) - log_lower) / (log_upper - log_lower);
  }

  double ValueAt(double fraction) const {
    if (has_zero()) return lower + (upper - lower) * fraction;
    const double log_lower = std::log2(std::fabs(lower));
    const double log_upper = std::log2(std::fabs(upper));
    return std::copysign(std::exp2(log_lower + (log_upper - log_lower) * fraction), lower);
  }
};

// Those that are not empty, in ascending order. The zero bucket reaches only to 0 on a side where
// there is nothing.
std::vector<Bounded> BoundedBuckets(const Histogram& histogram) {
  std::vector<Bounded> buckets;
  buckets.reserve(histogram.negative.size() + 1 + histogram.positive.size());
  const auto add = [&](double lower, double upper, double count) {
    if (count != 0) buckets.push_back({lower, upper, count});
  };
  const auto bound = [&](int32_t index) { return BucketUpperBound(histogram.schema, index); };
  for (auto bucket = histogram.negative.rbegin(); bucket != histogram.negative.rend(); ++bucket) {
    add(-bound(bucket->index), -bound(bucket->index - 1), bucket->count);
  }
  const bool only_positive = histogram.negative.empty() && !histogram.positive.empty();
  const bool only_negative = histogram.positive.empty() && !histogram.negative.empty();
  add(only_positive ? 0 : -histogram.zero_threshold, only_negative ? 0 : histogram.zero_threshold,
      histogram.zero_count);
  for (const Histogram::Bucket& bucket : histogram.positive) {
    add(bound(bucket.index - 1), bound(bucket.index), bucket.count);
  }
  return buckets;
}

double CountInBuckets(const Histogram& histogram) {
  double count = histogram.zero_count;
  for (const Histogram::Bucket& bucket : histogram.positive) count += bucket.count;
  for (const Histogram::Bucket& bucket : histogram.negative) count += bucket.count;
  return count;
}

double VarianceOf(const Histogram& histogram) {
  const double mean = histogram.sum / histogram.count;
  KahanSum sum;
  for (const Bounded& bucket : BoundedBuckets(histogram)) {
    const double middle =
        bucket.has_zero() ? 0 : std::copysign(std::sqrt(bucket.upper * bucket.lower), bucket.lower);
    sum.Add(bucket.count * (middle - mean) * (middle - mean));
  }
  return sum.value() / histogram.count;
}

}  // namespace

double Quantile(double q, std::vector<double>& values) {
  if (values.empty() || std::isnan(q)) return kNan;
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  std::sort(values.begin(), values.end(), [](double a, double b) {
    return std::isnan(a) != std::isnan(b) ? std::isnan(a) : a < b;
  });
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto lower = static_cast<size_t>(rank);
  const size_t upper = std::min(values.size() - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  return values[lower] * (1 - weight) + values[upper] * weight;
}

bool HasNanObservations(const Histogram& histogram) {
  return std::isnan(histogram.sum) && CountInBuckets(histogram) < histogram.count;
}

double HistogramQuantile(double q, const Histogram& histogram) {
  if (q < 0) return -kInfinity;
  if (q > 1) return kInfinity;
  if (histogram.count == 0 || std::isnan(q)) return kNan;
  std::vector<Bounded> buckets = BoundedBuckets(histogram);
  if (buckets.empty()) return kNan;
  // From the nearer end, but from below where there are observations of NaN, which are in no
  // bucket.
  const bool forward = std::isnan(histogram.sum) || q < 0.5;
  if (!forward) std::reverse(buckets.begin(), buckets.end());
  double rank = (forward ? q : 1 - q) * histogram.count;
  double count = 0;
  const Bounded* found = &buckets.front();
  for (const Bounded& bucket : buckets) {
    found = &bucket;
    count += bucket.count;
    if (count >= rank) break;
  }
  count = std::min(count, histogram.count);
  if (count < rank && std::isnan(histogram.sum)) return kNan;
  rank = forward ? rank - (count - found->count) : count - rank;
  return found->ValueAt(rank / found->count);
}

std::vector<double> CountsUpTo(const Histogram& histogram, absl::Span<const double> values) {
  const std::vector<Bounded> buckets = BoundedBuckets(histogram);
  std::vector<double> counts;
  counts.reserve(values.size());
  double below = 0;  // in the buckets before `bucket`
  auto bucket = buckets.begin();
  for (const double value : values) {
    for (; bucket != buckets.end() && bucket->upper <= value; ++bucket) below += bucket->count;
    if (bucket == buckets.end()) {
      counts.push_back(histogram.count);
      continue;
    }
    const double within = bucket->lower < value ? bucket->count * bucket->FractionAt(value) : 0;
    counts.push_back(std::min(below + within, histogram.count));
  }
  return counts;
}

double HistogramCount(const Histogram& histogram, Parameters) { return histogram.count; }

double HistogramSum(const Histogram& histogram, Parameters) { return histogram.sum; }

double HistogramAvg(const Histogram& histogram, Parameters) {
  return histogram.sum / histogram.count;
}

double HistogramStdvar(const Histogram& histogram, Parameters) { return VarianceOf(histogram); }

double HistogramStddev(const Histogram& histogram, Parameters) {
  return std::sqrt(VarianceOf(histogram));
}

double HistogramFraction(double lower, double upper, const Histogram& histogram) {
  if (histogram.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  const std::vector<double> counts = CountsUpTo(histogram, {lower, upper});
  // Observations of NaN are in no bucket, and in no fraction.
  const double most = HasNanObservations(histogram) ? CountInBuckets(histogram) : histogram.count;
  return (std::min(counts[1], most) - std::min(counts[0], most)) / histogram.count;
}

}  // namespace leadline::collector::promql
