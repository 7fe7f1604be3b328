// Native histograms as samples.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace leadline::agent {

struct HistogramBucket {
  int32_t index = 0;  // holds values in (2^((index-1)*2^-schema), 2^(index*2^-schema)]
  uint64_t count = 0;
};

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
