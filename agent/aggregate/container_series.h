// The resource figures of containers as series under cAdvisor's names.
//
// Only containers, the leaves of the cgroup tree, get these series, so that a sum over them counts
// nothing twice. What enforcement of a CPU limit counts is reported where there is such a limit, as
// cAdvisor does. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"

#include "agent/aggregate/recorder.h"
#include "agent/source/block_io.h"
#include "agent/source/cgroup_stats.h"
#include "common/string_map.h"

namespace leadline::agent::aggregate {

class ContainerSeries {
 public:
  // `processes`: how many are in the container; absent when that is not known.
  void Record(const Subject& subject, int64_t start_ms, const source::CgroupStats& stats,
              source::DeviceNames& device_names, std::optional<size_t> processes,
              Recorder& recorder);

  void Forget(EntityRef container) { slots_.erase(container); }

  static constexpr size_t kStats = 33;
  static constexpr size_t kDeviceStats = 4;

 private:
  struct Slots {
    std::array<SeriesSlot, kStats> stats;
    StringMap<std::array<SeriesSlot, kDeviceStats>> devices;
    SeriesSlot processes;
    SeriesSlot start_time;
    SeriesSlot last_seen;
  };

  absl::flat_hash_map<EntityRef, Slots> slots_;
};

}  // namespace leadline::agent::aggregate
