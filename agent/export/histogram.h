// Native histograms as samples.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

#include "agent/model/histogram_bucket.h"

namespace leadline::agent {

// A native histogram, cumulative since the series' start. Buckets ascend by index; empty ones may
// be left out. Its count is zero_count and all buckets together. The buckets are the caller's.
struct HistogramView {
  int32_t schema = 0;  // -4 to 8
  double sum = 0;
  uint64_t zero_count = 0;
  double zero_threshold = 0;
  absl::Span<const HistogramBucket> buckets;
};

}  // namespace leadline::agent
