// Sample values: floats with Prometheus' staleness marker, and native histograms.
//
// Source: Prometheus model/value/value.go (the marker's bits) and the native histogram
// specification (https://prometheus.io/docs/specs/native_histograms/).
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace leadline::collector::model {

// The NaN that says "this series has ended here". Compare bits, never values.
inline constexpr uint64_t kStaleNanBits = 0x7ff0000000000002;
inline double StaleNan() { return std::bit_cast<double>(kStaleNanBits); }
inline bool IsStaleNan(double value) { return std::bit_cast<uint64_t>(value) == kStaleNanBits; }

// A native histogram with exponential buckets: bucket `index` of schema s counts observations in
// (2^((index-1)*2^-s), 2^(index*2^-s)]. Counts are absolute (not cumulative over buckets), and
// cumulative in time since the series' start. A stale marker is a histogram whose sum is StaleNan.
struct NativeHistogram {
  struct Bucket {
    int32_t index = 0;
    uint64_t count = 0;
    bool operator==(const Bucket&) const = default;
  };

  int32_t schema = 0;  // -4 to 8
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  uint64_t count = 0;
  double sum = 0;
  std::vector<Bucket> positive;  // ascending index, no empty bucket
  std::vector<Bucket> negative;

  bool operator==(const NativeHistogram&) const = default;
};

}  // namespace leadline::collector::model
