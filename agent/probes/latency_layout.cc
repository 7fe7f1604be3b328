#include "agent/probes/latency_layout.h"

#include <algorithm>
#include <cmath>

#include "bpf/shared/latency_bucket.h"

namespace leadline::agent::probes {
namespace {

uint32_t FirstBucketThatHolds(const LatencyLayout& layout, uint64_t latency_ns) {
  const auto& bounds = layout.bounds_ns;
  return static_cast<uint32_t>(std::lower_bound(bounds.begin(), bounds.end(), latency_ns) -
                               bounds.begin());
}

}  // namespace

LatencyLayout MakeLatencyLayout(int schema) {
  LatencyLayout layout;
  layout.schema = schema;
  layout.first_index = SYSCALL_LATENCY_MIN_EXP * (1 << schema);
  const int32_t last_index = SYSCALL_LATENCY_MAX_EXP * (1 << schema);
  for (int32_t index = layout.first_index; index <= last_index; ++index) {
    const long double exponent = std::ldexp(static_cast<long double>(index), -schema);
    layout.bounds_ns.push_back(static_cast<__u64>(std::floor(std::exp2(exponent) * 1e9L)));
  }
  for (uint32_t cell = 3 << 3; cell < SYSCALL_LATENCY_CELLS; ++cell) {
    const uint32_t log = cell >> 3;
    const uint64_t smallest = (uint64_t{8} | (cell & 7)) << (log - 3);
    layout.cells[cell] = static_cast<uint8_t>(FirstBucketThatHolds(layout, smallest));
  }
  return layout;
}

uint32_t LatencyBucket(const LatencyLayout& layout, uint64_t latency_ns) {
  return latency_bucket(layout.bounds_ns.data(), layout.cells.data(), layout.bucket_count(),
                        latency_ns);
}

}  // namespace leadline::agent::probes
