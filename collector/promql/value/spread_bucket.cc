#include "collector/promql/value/spread_bucket.h"

#include <cmath>

namespace leadline::collector::promql {

double SpreadBucket::FractionAt(double value) const {
  if (std::isinf(lower)) return 1;
  if (linear) return upper > lower ? (value - lower) / (upper - lower) : 0;
  const double log_lower = std::log2(std::fabs(lower));
  const double log_upper = std::log2(std::fabs(upper));
  return (std::log2(std::fabs(value)) - log_lower) / (log_upper - log_lower);
}

double SpreadBucket::ValueAt(double fraction) const {
  if (std::isinf(lower)) return upper;
  if (linear && std::isinf(upper)) return lower;
  if (linear) return lower + (upper - lower) * fraction;
  const double log_lower = std::log2(std::fabs(lower));
  const double log_upper = std::log2(std::fabs(upper));
  return std::copysign(std::exp2(log_lower + (log_upper - log_lower) * fraction), lower);
}

double SpreadBucket::Middle() const {
  if (linear) {
    return std::isinf(lower) || std::isinf(upper) ? ValueAt(0) : lower + (upper - lower) / 2;
  }
  return std::copysign(std::sqrt(upper * lower), lower);
}

SpreadBucket Spread(const Histogram& histogram, const BoundedBucket& bucket) {
  const bool custom = histogram.uses_custom_buckets();
  SpreadBucket spread{.lower = bucket.lower,
                      .upper = bucket.upper,
                      .count = bucket.count,
                      .linear = custom || (bucket.has_lower && bucket.has_upper)};
  if (bucket.lower >= 0 || bucket.upper <= 0) return spread;
  if (custom) {
    if (std::isinf(bucket.lower)) spread.lower = 0;
  } else {
    if (histogram.negative.empty() && !histogram.positive.empty()) spread.lower = 0;
    if (histogram.positive.empty() && !histogram.negative.empty()) spread.upper = 0;
  }
  return spread;
}

}  // namespace leadline::collector::promql
