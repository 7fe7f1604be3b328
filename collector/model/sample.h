// Sample values: floats with Prometheus' staleness marker, and native histograms.
//
// Source: Prometheus model/value/value.go (the marker's bits) and the native histogram
// specification (https://prometheus.io/docs/specs/native_histograms/).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace leadline::collector::model {

// The NaN that says "this series has ended here". Compare bits, never values.
inline constexpr uint64_t kStaleNanBits = 0x7ff0000000000002;
inline double StaleNan() { return std::bit_cast<double>(kStaleNanBits); }
inline bool IsStaleNan(double value) { return std::bit_cast<uint64_t>(value) == kStaleNanBits; }

// The schema of histograms that name their buckets' bounds themselves.
inline constexpr int32_t kCustomBuckets = -53;

// What a writer says of a histogram and the one before it in its series. On disk: never renumber.
enum class ResetHint : uint8_t {
  kUnknown = 0,  // of a counter; whether it was reset is for the reader to find out
  kReset = 1,
  kNotReset = 2,
  kGauge = 3,  // it may fall without having been reset
};

// A native histogram. With exponential buckets bucket `index` of schema s counts observations in
// (2^((index-1)*2^-s), 2^(index*2^-s)]; with custom ones, bucket 0 those up to the first bound,
// bucket i those above bound i - 1 and up to bound i, and the bucket behind the last bound all
// above it. Counts are absolute (not cumulative over buckets), and cumulative in time since the
// series' start unless the hint says that it is a gauge. A stale marker is a histogram whose sum is
// StaleNan.
//
// Counts are whole numbers, or with `float_counts` doubles, of which the bits are kept: what rates
// and sums come to. Compared as numbers and computed with as AsDouble() gives them.
struct NativeHistogram {
  struct Bucket {
    int32_t index = 0;
    uint64_t count = 0;
    bool operator==(const Bucket&) const = default;
  };

  int32_t schema = 0;  // -4 to 8, or kCustomBuckets
  ResetHint reset_hint = ResetHint::kUnknown;
  bool float_counts = false;
  double zero_threshold = 0;  // custom buckets have no zero bucket and no negative ones
  uint64_t zero_count = 0;
  uint64_t count = 0;
  double sum = 0;
  std::vector<Bucket> positive;  // ascending index, no empty bucket
  std::vector<Bucket> negative;
  std::vector<double> custom_bounds;  // ascending and finite; of kCustomBuckets only

  // Bit for bit: NaN is itself, and 0 is not -0.
  bool operator==(const NativeHistogram& other) const;

  // One of its counts as a number.
  double AsDouble(uint64_t of_count) const {
    return float_counts ? std::bit_cast<double>(of_count) : static_cast<double>(of_count);
  }
};

inline bool NativeHistogram::operator==(const NativeHistogram& other) const {
  const auto same = [](double a, double b) {
    return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
  };
  return schema == other.schema && reset_hint == other.reset_hint &&
         float_counts == other.float_counts && same(zero_threshold, other.zero_threshold) &&
         zero_count == other.zero_count && count == other.count && same(sum, other.sum) &&
         positive == other.positive && negative == other.negative &&
         std::equal(custom_bounds.begin(), custom_bounds.end(), other.custom_bounds.begin(),
                    other.custom_bounds.end(), same);
}

// What a histogram with float_counts keeps of a count.
inline uint64_t FloatCount(double count) { return std::bit_cast<uint64_t>(count); }

}  // namespace leadline::collector::model
