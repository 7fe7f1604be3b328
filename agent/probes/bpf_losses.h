// Loss counters that a BPF program keeps in a per-CPU array, summed over CPUs.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace leadline::agent::probes {

// Entries 0 to `count` - 1 of the map; `name` is for the error. Thread-safe.
absl::StatusOr<std::vector<uint64_t>> ReadPerCpuCounters(int map_fd, uint32_t count, uint32_t cpus,
                                                         std::string_view name);

}  // namespace leadline::agent::probes
