#include "agent/aggregate/growth.h"

#include <algorithm>

namespace leadline::agent::aggregate {
namespace {

uint64_t& CountOf(std::vector<HistogramBucket>& buckets, int32_t index) {
  auto it = std::lower_bound(buckets.begin(), buckets.end(), index,
                             [](const HistogramBucket& b, int32_t i) { return b.index < i; });
  if (it == buckets.end() || it->index != index) it = buckets.insert(it, {.index = index});
  return it->count;
}

}  // namespace

bool AddGrowth(absl::Span<const HistogramBucket> now, std::vector<HistogramBucket>& seen,
               std::vector<HistogramBucket>& total) {
  bool grew = false;
  for (const auto& bucket : now) {
    grew |= AddGrowth(bucket.count, CountOf(seen, bucket.index), CountOf(total, bucket.index));
  }
  return grew;
}

}  // namespace leadline::agent::aggregate
