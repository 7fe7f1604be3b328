#include "collector/promql/value/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "collector/promql/value/floats.h"
#include "collector/promql/value/histogram_layout.h"
#include "collector/promql/value/number_text.h"

namespace leadline::collector::promql {
namespace {

using Buckets = std::vector<Histogram::Bucket>;

using ModelBuckets = std::vector<model::NativeHistogram::Bucket>;

Buckets FromModel(const model::NativeHistogram& histogram, const ModelBuckets& from) {
  Buckets buckets;
  buckets.reserve(from.size());
  for (const auto& bucket : from) {
    buckets.push_back({bucket.index, histogram.AsDouble(bucket.count)});
  }
  return buckets;
}

ModelBuckets ToModelBuckets(const Buckets& from) {
  ModelBuckets buckets;
  buckets.reserve(from.size());
  for (const Histogram::Bucket& bucket : from) {
    if (bucket.count != 0) buckets.push_back({bucket.index, model::FloatCount(bucket.count)});
  }
  return buckets;
}

bool Same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool Same(const Buckets& a, const Buckets& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Histogram::Bucket& x, const Histogram::Bucket& y) {
                      return x.index == y.index && Same(x.count, y.count);
                    });
}

// The place of the zero bucket.
size_t ZeroPlace(const Histogram& histogram) {
  return histogram.uses_custom_buckets() ? 0 : histogram.negative.size();
}

BoundedBucket CustomBucket(const Histogram& histogram, const Histogram::Bucket& bucket) {
  const std::vector<double>& bounds = histogram.custom_bounds;
  const auto at = static_cast<size_t>(bucket.index);
  return {.lower = at == 0 ? -kInfinity : bounds[at - 1],
          .upper = at < bounds.size() ? bounds[at] : kInfinity,
          .has_lower = at == 0,
          .has_upper = true,
          .count = bucket.count};
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

// REQUIRES: the same layout.
bool AnyFell(const Histogram& previous, const Histogram& current) {
  return current.zero_count < previous.zero_count ||
         AnyBucketFell(previous.positive, current.positive) ||
         AnyBucketFell(previous.negative, current.negative);
}

bool AnyFellWithOtherBounds(Histogram previous, Histogram current) {
  layout::Align(previous, current);
  return AnyFell(previous, current);
}

}  // namespace

Histogram Histogram::From(const model::NativeHistogram& from) {
  Histogram histogram;
  histogram.schema = from.schema;
  histogram.reset_hint = from.reset_hint;
  histogram.zero_threshold = from.zero_threshold;
  histogram.zero_count = from.AsDouble(from.zero_count);
  histogram.count = from.AsDouble(from.count);
  histogram.sum = from.sum;
  histogram.positive = FromModel(from, from.positive);
  histogram.negative = FromModel(from, from.negative);
  histogram.custom_bounds = from.custom_bounds;
  return histogram;
}

model::NativeHistogram Histogram::ToModel() const {
  model::NativeHistogram to;
  to.schema = schema;
  to.reset_hint = reset_hint;
  to.float_counts = true;
  to.zero_threshold = zero_threshold;
  to.zero_count = model::FloatCount(zero_count);
  to.count = model::FloatCount(count);
  to.sum = sum;
  to.positive = ToModelBuckets(positive);
  to.negative = ToModelBuckets(negative);
  to.custom_bounds = custom_bounds;
  return to;
}

void Histogram::Scale(double factor) {
  zero_count *= factor;
  count *= factor;
  sum *= factor;
  for (Bucket& bucket : positive) bucket.count *= factor;
  for (Bucket& bucket : negative) bucket.count *= factor;
  if (factor < 0) reset_hint = model::ResetHint::kGauge;
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
  if (divisor < 0) reset_hint = model::ResetHint::kGauge;
}

AddOutcome Histogram::Add(const Histogram& other, double factor) {
  return layout::Add(*this, other, factor);
}

void Histogram::Compact() {
  const auto is_empty = [](const Bucket& bucket) { return bucket.count == 0; };
  std::erase_if(positive, is_empty);
  std::erase_if(negative, is_empty);
}

bool Histogram::operator==(const Histogram& other) const {
  return schema == other.schema && zero_threshold == other.zero_threshold &&
         Same(zero_count, other.zero_count) && Same(count, other.count) && Same(sum, other.sum) &&
         Same(positive, other.positive) && Same(negative, other.negative) &&
         custom_bounds == other.custom_bounds;
}

size_t PlaceCount(const Histogram& histogram) {
  return ZeroPlace(histogram) + 1 + histogram.positive.size();
}

double CountAt(const Histogram& histogram, size_t place) {
  const size_t zero = ZeroPlace(histogram);
  if (place < zero) return histogram.negative[zero - 1 - place].count;
  if (place > zero) return histogram.positive[place - zero - 1].count;
  return histogram.uses_custom_buckets() ? 0 : histogram.zero_count;
}

BoundedBucket BucketAt(const Histogram& histogram, size_t place) {
  const size_t zero = ZeroPlace(histogram);
  const auto bound = [&](int32_t index) { return BucketUpperBound(histogram.schema, index); };
  if (place == zero) {
    return {.lower = -histogram.zero_threshold,
            .upper = histogram.zero_threshold,
            .has_lower = true,
            .has_upper = true,
            .count = histogram.zero_count};
  }
  if (place < zero) {
    const Histogram::Bucket& bucket = histogram.negative[zero - 1 - place];
    return {.lower = -bound(bucket.index),
            .upper = -bound(bucket.index - 1),
            .has_lower = true,
            .has_upper = false,
            .count = bucket.count};
  }
  const Histogram::Bucket& bucket = histogram.positive[place - zero - 1];
  if (histogram.uses_custom_buckets()) return CustomBucket(histogram, bucket);
  return {.lower = bound(bucket.index - 1),
          .upper = bound(bucket.index),
          .has_lower = false,
          .has_upper = true,
          .count = bucket.count};
}

void ForEachBucket(const Histogram& histogram,
                   absl::FunctionRef<void(const BoundedBucket& bucket)> use) {
  const size_t zero = ZeroPlace(histogram);
  for (size_t place = 0; place < PlaceCount(histogram); ++place) {
    if (place != zero || CountAt(histogram, place) != 0) use(BucketAt(histogram, place));
  }
}

std::string ToString(const Histogram& histogram) {
  std::string text =
      fmt::format("{{count:{}, sum:{}", NumberText(histogram.count), NumberText(histogram.sum));
  ForEachBucket(histogram, [&text](const BoundedBucket& bucket) {
    text += fmt::format(", {}{},{}{}:{}", bucket.has_lower ? '[' : '(', NumberText(bucket.lower),
                        NumberText(bucket.upper), bucket.has_upper ? ']' : ')',
                        NumberText(bucket.count));
  });
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
  if (current.reset_hint == model::ResetHint::kReset || current.count < previous.count ||
      current.uses_custom_buckets() != previous.uses_custom_buckets()) {
    return true;
  }
  if (layout::HaveOneLayout(current, previous)) return AnyFell(previous, current);
  if (current.uses_custom_buckets()) return AnyFellWithOtherBounds(previous, current);
  if (current.schema > previous.schema || current.zero_threshold < previous.zero_threshold) {
    return true;
  }
  Histogram before = previous;
  if (before.zero_threshold < current.zero_threshold) {
    layout::WidenZeroBucket(before, current.zero_threshold);
    // A threshold within a bucket that was in use cannot come of widening.
    if (before.zero_threshold != current.zero_threshold) return true;
  }
  layout::Coarsen(before, current.schema);
  return AnyFell(before, current);
}

}  // namespace leadline::collector::promql
