// From rows that are cumulative by cgroup to counters of an owner, which has several cgroups that
// come and go: what a row has grown by since it was last seen is added.
//
// Plain functions.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

#include "agent/model/histogram_bucket.h"

namespace leadline::agent::aggregate {

// Makes `seen` equal to `now` and adds the difference to `total`; false for none.
inline bool AddGrowth(uint64_t now, uint64_t& seen, uint64_t& total) {
  const uint64_t growth = now - seen;
  total += growth;
  seen = now;
  return growth != 0;
}

// The same for the buckets of a histogram, which ascend by index.
bool AddGrowth(absl::Span<const HistogramBucket> now, std::vector<HistogramBucket>& seen,
               std::vector<HistogramBucket>& total);

}  // namespace leadline::agent::aggregate
