#include "collector/promql/functions/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

// Whether two counts differ by no more than rounding makes them.
bool AlmostEqual(double a, double b) {
  constexpr double kTolerance = 1e-12;
  if (a == b) return true;
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  if (a == 0 || b == 0 || sum < kMinNormal) return difference < kTolerance * kMinNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < kTolerance;
}

// Buckets of one bound become one.
void MergeEqualBounds(std::vector<ClassicBucket>& buckets) {
  size_t kept = 0;
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[kept].upper_bound) {
      buckets[kept].count += buckets[i].count;
    } else {
      buckets[++kept] = buckets[i];
    }
  }
  buckets.resize(kept + 1);
}

// Whether a count was below the one before it by more than rounding makes.
bool ForceMonotonic(std::vector<ClassicBucket>& buckets) {
  bool forced = false;
  double previous = buckets.front().count;
  for (ClassicBucket& bucket : buckets) {
    if (AlmostEqual(previous, bucket.count)) {
      bucket.count = previous;
    } else if (bucket.count < previous) {
      bucket.count = previous;
      forced = true;
    }
    previous = bucket.count;
  }
  return forced;
}

double QuantileOfMonotonic(double q, const std::vector<ClassicBucket>& buckets) {
  const double observations = buckets.back().count;
  if (buckets.size() < 2 || observations == 0) return kNan;
  double rank = q * observations;
  const auto last = buckets.end() - 1;
  const auto found = std::find_if(
      buckets.begin(), last, [rank](const ClassicBucket& bucket) { return bucket.count >= rank; });
  if (found == last) return (last - 1)->upper_bound;
  if (found == buckets.begin() && found->upper_bound <= 0) return found->upper_bound;
  double start = 0;
  double count = found->count;
  if (found != buckets.begin()) {
    start = (found - 1)->upper_bound;
    count -= (found - 1)->count;
    rank -= (found - 1)->count;
  }
  return start + (found->upper_bound - start) * (rank / count);
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

BucketQuantileResult BucketQuantile(double q, std::vector<ClassicBucket>& buckets) {
  if (std::isnan(q)) return {kNan, false};
  if (q < 0) return {-kInfinity, false};
  if (q > 1) return {kInfinity, false};
  std::sort(buckets.begin(), buckets.end(), [](const ClassicBucket& a, const ClassicBucket& b) {
    return a.upper_bound < b.upper_bound;
  });
  if (buckets.empty() || buckets.back().upper_bound != kInfinity) return {kNan, false};
  MergeEqualBounds(buckets);
  const bool forced = ForceMonotonic(buckets);
  return {QuantileOfMonotonic(q, buckets), forced};
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

double HistogramFraction(const Histogram& histogram, Parameters lower_and_upper) {
  const double lower = lower_and_upper[0];
  const double upper = lower_and_upper[1];
  if (histogram.count == 0 || std::isnan(lower) || std::isnan(upper)) return kNan;
  if (lower >= upper) return 0;
  const std::vector<double> counts = CountsUpTo(histogram, {lower, upper});
  return (counts[1] - counts[0]) / histogram.count;
}

}  // namespace leadline::collector::promql
