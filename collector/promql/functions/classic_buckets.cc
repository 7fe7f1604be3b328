#include "collector/promql/functions/classic_buckets.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "collector/promql/value/floats.h"

namespace leadline::collector::promql {
namespace {

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

// Sorts them and makes each bound's one. False where they are no histogram.
bool Arrange(std::vector<ClassicBucket>& buckets) {
  std::sort(buckets.begin(), buckets.end(), [](const ClassicBucket& a, const ClassicBucket& b) {
    return a.upper_bound < b.upper_bound;
  });
  if (buckets.empty() || buckets.back().upper_bound != kInfinity) return false;
  MergeEqualBounds(buckets);
  return true;
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

// How many observations are up to the value, interpolated within its bucket. A bucket that is open
// on a side counts as if all of it were at its finite bound.
double CountUpTo(double value, const std::vector<ClassicBucket>& buckets) {
  const auto found =
      std::find_if(buckets.begin(), buckets.end(),
                   [value](const ClassicBucket& bucket) { return bucket.upper_bound > value; });
  if (found == buckets.end()) return buckets.back().count;
  const bool is_first = found == buckets.begin();
  const double below = is_first ? 0 : (found - 1)->count;
  if (std::isinf(found->upper_bound) || (is_first && (found->upper_bound <= 0 || value <= 0))) {
    return below;
  }
  const double start = is_first ? 0 : (found - 1)->upper_bound;
  return below + (found->count - below) * (value - start) / (found->upper_bound - start);
}

}  // namespace

BucketQuantileResult BucketQuantile(double q, std::vector<ClassicBucket>& buckets) {
  if (std::isnan(q)) return {kNan, false};
  if (q < 0) return {-kInfinity, false};
  if (q > 1) return {kInfinity, false};
  if (!Arrange(buckets)) return {kNan, false};
  const bool forced = ForceMonotonic(buckets);
  return {QuantileOfMonotonic(q, buckets), forced};
}

double BucketFraction(double lower, double upper, std::vector<ClassicBucket>& buckets) {
  if (std::isnan(lower) || std::isnan(upper) || !Arrange(buckets)) return kNan;
  const double observations = buckets.back().count;
  if (observations == 0) return kNan;
  if (lower >= upper) return 0;
  const double up_to_lower = std::min(CountUpTo(lower, buckets), observations);
  const double up_to_upper = std::min(CountUpTo(upper, buckets), observations);
  return (up_to_upper - up_to_lower) / observations;
}

}  // namespace leadline::collector::promql
