#include "collector/promql/value/histogram_trim.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "collector/promql/value/running.h"
#include "collector/promql/value/spread_bucket.h"

namespace leadline::collector::promql {
namespace {

// What is left of a bucket.
struct Rest {
  double count = 0;
  double place = 0;  // where its observations are taken to be
};

Rest WholeOf(const SpreadBucket& bucket) { return {bucket.count, bucket.Middle()}; }

// `from` to `to` are the part of the bucket that is left.
Rest PartOf(const SpreadBucket& bucket, double from, double to, double fraction) {
  SpreadBucket part = bucket;
  part.lower = from;
  part.upper = to;
  return {bucket.count * fraction, part.Middle()};
}

// `bounds` are the bucket's own, without what is taken of its observations.
Rest UpTo(const BoundedBucket& bounds, const SpreadBucket& bucket, double limit) {
  if (std::isinf(limit)) return limit > 0 ? WholeOf(bucket) : Rest{};
  if (std::isinf(bounds.upper)) return {};
  if (std::isinf(bucket.lower)) return {bucket.count, std::min(bucket.upper, limit)};
  if (limit >= bucket.upper) return WholeOf(bucket);
  if (limit <= bucket.lower) return {};
  return PartOf(bucket, bucket.lower, limit, bucket.FractionAt(limit));
}

Rest From(const BoundedBucket& bounds, const SpreadBucket& bucket, double limit) {
  if (std::isinf(limit)) return limit < 0 ? WholeOf(bucket) : Rest{};
  // What is below 0 of a bucket that begins nowhere is not known.
  if (std::isinf(bounds.lower) &&
      (std::isinf(bucket.lower) || std::isinf(bounds.upper) || limit < 0)) {
    return {};
  }
  if (std::isinf(bucket.upper)) return {bucket.count, std::max(bucket.lower, limit)};
  if (limit <= bucket.lower) return WholeOf(bucket);
  if (limit >= bucket.upper) return {};
  return PartOf(bucket, limit, bucket.upper, 1 - bucket.FractionAt(limit));
}

// The counts of the buckets, in the order of ForEachBucket.
std::vector<double*> CountsOf(Histogram& histogram) {
  std::vector<double*> counts;
  for (auto bucket = histogram.negative.rbegin(); bucket != histogram.negative.rend(); ++bucket) {
    counts.push_back(&bucket->count);
  }
  if (!histogram.uses_custom_buckets() && histogram.zero_count != 0) {
    counts.push_back(&histogram.zero_count);
  }
  for (Histogram::Bucket& bucket : histogram.positive) counts.push_back(&bucket.count);
  return counts;
}

template <typename RestOf>
Histogram Trim(const Histogram& histogram, RestOf rest_of) {
  Histogram trimmed = histogram;
  const std::vector<double*> counts = CountsOf(trimmed);
  size_t next = 0;
  bool any_gone = false;
  KahanSum count;
  KahanSum sum;
  ForEachBucket(histogram, [&](const BoundedBucket& bucket) {
    const Rest rest = rest_of(bucket, Spread(histogram, bucket));
    any_gone = any_gone || rest.count != bucket.count;
    *counts[next++] = rest.count;
    count.Add(rest.count);
    if (rest.count != 0) sum.Add(rest.count * rest.place);
  });
  if (!any_gone) return histogram;
  trimmed.count = count.value();
  trimmed.sum = sum.value();
  trimmed.Compact();
  return trimmed;
}

}  // namespace

Histogram WithoutAbove(const Histogram& histogram, double limit) {
  return Trim(histogram, [limit](const BoundedBucket& bounds, const SpreadBucket& bucket) {
    return UpTo(bounds, bucket, limit);
  });
}

Histogram WithoutBelow(const Histogram& histogram, double limit) {
  return Trim(histogram, [limit](const BoundedBucket& bounds, const SpreadBucket& bucket) {
    return From(bounds, bucket, limit);
  });
}

}  // namespace leadline::collector::promql
