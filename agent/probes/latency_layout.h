// The buckets of the kernel's latency histograms, in whole nanoseconds.
//
// Bounds are those of a Prometheus native histogram of the schema, in seconds: bucket `index` holds
// (2^((index-1)*2^-schema), 2^(index*2^-schema)]. A latency is a whole number of nanoseconds, so
// comparing it with the bound rounded down is exact. The range is 2^-24 s (60 ns) to 2^6 s (64 s);
// what is shorter counts in the first bucket, what is longer in the one above the range.
//
// Constant data; thread-safe. Source: https://prometheus.io/docs/specs/native_histograms/
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "bpf/shared/syscalls.h"

namespace leadline::agent::probes {

inline constexpr int kLatencySchemaMax = SYSCALL_LATENCY_SCHEMA_MAX;

struct LatencyLayout {
  int schema = 0;
  int32_t first_index = 0;  // of bucket 0, as Prometheus numbers them
  // Largest member of each bucket but the last, which has no bound.
  std::vector<__u64> bounds_ns;
  // For floor(log2(latency)) * 8 + the next three bits: bucket of the smallest such latency.
  std::array<uint8_t, SYSCALL_LATENCY_CELLS> cells = {};

  uint32_t bucket_count() const { return static_cast<uint32_t>(bounds_ns.size()) + 1; }
};

constexpr uint32_t LatencyBucketCount(int schema) {
  return 2 + (static_cast<uint32_t>(SYSCALL_LATENCY_MAX_EXP - SYSCALL_LATENCY_MIN_EXP) << schema);
}

// REQUIRES: 0 <= schema <= kLatencySchemaMax.
LatencyLayout MakeLatencyLayout(int schema);

// The bucket of a latency as syscalls.bpf.c finds it.
uint32_t LatencyBucket(const LatencyLayout& layout, uint64_t latency_ns);

}  // namespace leadline::agent::probes
