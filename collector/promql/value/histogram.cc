#include "collector/promql/value/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace leadline::collector::promql {
namespace {

using Buckets = std::vector<Histogram::Bucket>;

Buckets FromModel(const std::vector<model::NativeHistogram::Bucket>& from) {
  Buckets buckets;
  buckets.reserve(from.size());
  for (const auto& bucket : from) {
    buckets.push_back({bucket.index, static_cast<double>(bucket.count)});
  }
  return buckets;
}

// The index, at a schema that is `levels` coarser, of the bucket that holds this one.
int32_t CoarserIndex(int32_t index, int32_t levels) { return ((index - 1) >> levels) + 1; }

void Coarsen(Buckets& buckets, int32_t levels) {
  size_t kept = 0;
  for (const Histogram::Bucket& bucket : buckets) {
    const int32_t index = CoarserIndex(bucket.index, levels);
    if (kept > 0 && buckets[kept - 1].index == index) {
      buckets[kept - 1].count += bucket.count;
    } else {
      buckets[kept++] = {index, bucket.count};
    }
  }
  buckets.resize(kept);
}

void Coarsen(Histogram& histogram, int32_t schema) {
  Coarsen(histogram.positive, histogram.schema - schema);
  Coarsen(histogram.negative, histogram.schema - schema);
  histogram.schema = schema;
}

void AddBuckets(Buckets& to, const Buckets& from, double factor) {
  Buckets merged;
  merged.reserve(std::max(to.size(), from.size()));
  auto a = to.begin();
  auto b = from.begin();
  while (a != to.end() || b != from.end()) {
    if (b == from.end() || (a != to.end() && a->index < b->index)) {
      merged.push_back(*a++);
    } else if (a == to.end() || b->index < a->index) {
      merged.push_back({b->index, factor * b->count});
      ++b;
    } else {
      merged.push_back({a->index, a->count + factor * b->count});
      ++a;
      ++b;
    }
  }
  to = std::move(merged);
}

// Widens the zero bucket to `threshold`, or further, to the end of the bucket that it falls into.
void WidenZeroBucket(Histogram& histogram, double threshold) {
  for (const Buckets* buckets : {&histogram.positive, &histogram.negative}) {
    for (const auto& bucket : *buckets) {
      if (BucketUpperBound(histogram.schema, bucket.index - 1) >= threshold) break;
      threshold = std::max(threshold, BucketUpperBound(histogram.schema, bucket.index));
    }
  }
  for (Buckets* buckets : {&histogram.positive, &histogram.negative}) {
    std::erase_if(*buckets, [&](const Histogram::Bucket& bucket) {
      const bool within = BucketUpperBound(histogram.schema, bucket.index) <= threshold;
      if (within) histogram.zero_count += bucket.count;
      return within;
    });
  }
  histogram.zero_threshold = threshold;
}

// REQUIRES: equal schemas and zero buckets.
void AddAligned(Histogram& to, const Histogram& from, double factor) {
  to.zero_count += factor * from.zero_count;
  to.count += factor * from.count;
  to.sum += factor * from.sum;
  AddBuckets(to.positive, from.positive, factor);
  AddBuckets(to.negative, from.negative, factor);
}

bool AnyBucketFell(const Buckets& previous, const Buckets& current) {
  auto now = current.begin();
  for (const Histogram::Bucket& before : previous) {
    while (now != current.end() && now->index < before.index) ++now;
    const double count = now != current.end() && now->index == before.index ? now->count : 0;
    if (count < before.count) return true;
  }
  return false;
}

// REQUIRES: equal schemas and zero buckets.
bool AnyFell(const Histogram& previous, const Histogram& current) {
  return current.zero_count < previous.zero_count ||
         AnyBucketFell(previous.positive, current.positive) ||
         AnyBucketFell(previous.negative, current.negative);
}

}  // namespace

Histogram Histogram::From(const model::NativeHistogram& from) {
  Histogram histogram;
  histogram.schema = from.schema;
  histogram.zero_threshold = from.zero_threshold;
  histogram.zero_count = static_cast<double>(from.zero_count);
  histogram.count = static_cast<double>(from.count);
  histogram.sum = from.sum;
  histogram.positive = FromModel(from.positive);
  histogram.negative = FromModel(from.negative);
  return histogram;
}

void Histogram::Scale(double factor) {
  zero_count *= factor;
  count *= factor;
  sum *= factor;
  for (Bucket& bucket : positive) bucket.count *= factor;
  for (Bucket& bucket : negative) bucket.count *= factor;
}

void Histogram::Divide(double divisor) {
  zero_count /= divisor;
  count /= divisor;
  sum /= divisor;
  if (divisor == 0) {
    positive.clear();
    negative.clear();
  }
  for (Bucket& bucket : positive) bucket.count /= divisor;
  for (Bucket& bucket : negative) bucket.count /= divisor;
}

void Histogram::Add(const Histogram& other, double factor) {
  if (other.schema == schema && other.zero_threshold == zero_threshold) {
    AddAligned(*this, other, factor);
    return;
  }
  Histogram aligned = other;
  // Once to bring the narrower one to the wider, which may end in a bucket and so become wider
  // still, once to bring the other one there, where it may end in one of its wider buckets, and
  // once more: that bucket's end is one of both schemas.
  for (int i = 0; i < 3 && zero_threshold != aligned.zero_threshold; ++i) {
    Histogram& narrower = zero_threshold < aligned.zero_threshold ? *this : aligned;
    WidenZeroBucket(narrower, std::max(zero_threshold, aligned.zero_threshold));
  }
  const int32_t coarser = std::min(schema, other.schema);
  Coarsen(*this, coarser);
  Coarsen(aligned, coarser);
  AddAligned(*this, aligned, factor);
}

void Histogram::Compact() {
  const auto is_empty = [](const Bucket& bucket) { return bucket.count == 0; };
  std::erase_if(positive, is_empty);
  std::erase_if(negative, is_empty);
}

std::string ToString(const Histogram& histogram) {
  const auto bound = [&](int32_t index) { return BucketUpperBound(histogram.schema, index); };
  std::string text = fmt::format("{{count:{}, sum:{}", histogram.count, histogram.sum);
  for (auto bucket = histogram.negative.rbegin(); bucket != histogram.negative.rend(); ++bucket) {
    text += fmt::format(", [{},{}):{}", -bound(bucket->index), -bound(bucket->index - 1),
                        bucket->count);
  }
  if (histogram.zero_count != 0) {
    text += fmt::format(", [{},{}]:{}", -histogram.zero_threshold, histogram.zero_threshold,
                        histogram.zero_count);
  }
  for (const Histogram::Bucket& bucket : histogram.positive) {
    text += fmt::format(", ({},{}]:{}", bound(bucket.index - 1), bound(bucket.index), bucket.count);
  }
  return text + "}";
}

double BucketUpperBound(int32_t schema, int32_t index) {
  if (schema <= 0) {
    const int64_t exponent = int64_t{index} << -schema;
    if (exponent == 1024) return std::numeric_limits<double>::max();
    return std::ldexp(1.0, static_cast<int>(std::clamp<int64_t>(exponent, -2000, 2000)));
  }
  const int32_t per_octave = 1 << schema;
  const int32_t octave = index >> schema;
  const int32_t within = index & (per_octave - 1);
  if (within == 0 && octave == 1024) return std::numeric_limits<double>::max();
  return std::ldexp(std::exp2(static_cast<double>(within) / per_octave), octave);
}

bool WasReset(const Histogram& previous, const Histogram& current) {
  if (current.count < previous.count || current.schema > previous.schema ||
      current.zero_threshold < previous.zero_threshold) {
    return true;
  }
  if (current.schema == previous.schema && current.zero_threshold == previous.zero_threshold) {
    return AnyFell(previous, current);
  }
  Histogram before = previous;
  if (before.zero_threshold < current.zero_threshold) {
    WidenZeroBucket(before, current.zero_threshold);
    // A threshold within a bucket that was in use cannot come of widening.
    if (before.zero_threshold != current.zero_threshold) return true;
  }
  Coarsen(before, current.schema);
  return AnyFell(before, current);
}

}  // namespace leadline::collector::promql
