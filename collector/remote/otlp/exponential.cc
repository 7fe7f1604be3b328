#include "collector/remote/otlp/exponential.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "collector/remote/write/limits.h"

namespace leadline::collector::remote::otlp {
namespace {

namespace pb = opentelemetry::proto::collector::metrics::v1;
using Buckets = std::vector<model::NativeHistogram::Bucket>;

constexpr int32_t kLeastScale = -4;
constexpr int32_t kMostSchema = 8;
// Where OpenTelemetry says none, Prometheus has one that holds nothing but 0.
constexpr double kDefaultZeroThreshold = 1e-128;

// False: the indices or the total are out of range.
bool AddBuckets(const pb::ExponentialHistogramDataPoint::Buckets& from, int shift, Buckets& buckets,
                uint64_t& total) {
  for (int i = 0; i < from.bucket_counts_size(); ++i) {
    const uint64_t count = from.bucket_counts(i);
    if (count == 0) continue;
    const int64_t index = ((int64_t{from.offset()} + i) >> shift) + 1;
    if (index != static_cast<int32_t>(index) || __builtin_add_overflow(total, count, &total)) {
      return false;
    }
    if (!buckets.empty() && buckets.back().index == index) {
      buckets.back().count += count;
    } else {
      buckets.push_back({static_cast<int32_t>(index), count});
    }
  }
  return true;
}

}  // namespace

std::string ToNative(const pb::ExponentialHistogramDataPoint& point,
                     model::NativeHistogram& histogram) {
  constexpr int32_t kMostScale = kMostSchema + 31;  // more would join all buckets to two
  if (point.scale() < kLeastScale || point.scale() > kMostScale) {
    return fmt::format("scale {} is not in {} to {}", point.scale(), kLeastScale, kMostScale);
  }
  const int shift = std::max(point.scale() - kMostSchema, 0);
  histogram.schema = point.scale() - shift;
  histogram.zero_threshold =
      point.zero_threshold() == 0 ? kDefaultZeroThreshold : point.zero_threshold();
  if (!(histogram.zero_threshold > 0) || std::isinf(histogram.zero_threshold)) {
    return fmt::format("a zero threshold of {}", point.zero_threshold());
  }
  histogram.zero_count = point.zero_count();
  histogram.count = point.count();
  histogram.sum = point.sum();
  uint64_t total = histogram.zero_count;
  if (!AddBuckets(point.positive(), shift, histogram.positive, total) ||
      !AddBuckets(point.negative(), shift, histogram.negative, total)) {
    return "bucket indices or counts out of range";
  }
  for (const Buckets* side : {&histogram.positive, &histogram.negative}) {
    if (side->size() > write::kMaxHistogramBuckets) {
      return fmt::format("{} buckets, at most {} are taken", side->size(),
                         write::kMaxHistogramBuckets);
    }
  }
  if (total > histogram.count) {
    return fmt::format("{} observations in buckets, but a count of {}", total, histogram.count);
  }
  return "";
}

}  // namespace leadline::collector::remote::otlp
