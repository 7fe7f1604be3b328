// What the probes' maps take on machines that we do not have. The ceilings are those of
// docs/architecture.md.
#include "agent/probes/map_memory.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "agent/probes/probes.h"

namespace leadline::agent::probes {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

struct Machine {
  const char* name;
  uint32_t cpus;
  uint32_t pid_max;
  uint64_t most_bytes;
  uint32_t least_syscall_rows;
};

class MapMemoryOf : public testing::TestWithParam<Machine> {};

INSTANTIATE_TEST_SUITE_P(
    Machines, MapMemoryOf,
    testing::Values(Machine{"TwoCpus", 2, 32'768, 80 * kMiB, 32'768},
                    Machine{"TwoCpusManyThreads", 2, 4'194'304, 88 * kMiB, 32'768},
                    Machine{"SixtyFourCpus", 64, 4'194'304, 112 * kMiB, 131'072}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_P(MapMemoryOf, StaysBelowItsCeiling) {
  const Machine& machine = GetParam();
  const auto maps = Probes::PlanMaps({}, machine.cpus, machine.pid_max);
  ASSERT_TRUE(maps.ok()) << std::string(maps.status().message());
  uint64_t bytes = 0;
  std::string text;
  for (const MapReport& map : *maps) {
    bytes += map.bytes;
    text += map.name + " " + std::to_string(map.bytes) + "\n";
  }
  EXPECT_LE(bytes, machine.most_bytes) << text;
  const auto keys = std::find_if(maps->begin(), maps->end(),
                                 [](const MapReport& map) { return map.name == "syscall_keys"; });
  ASSERT_NE(keys, maps->end());
  EXPECT_GE(keys->entries, machine.least_syscall_rows);
}

TEST(MapMemory, GrowsWithWhatIsAskedFor) {
  const auto bytes_of = [](const ProbeOptions& options, std::string_view name) {
    const auto maps = Probes::PlanMaps(options, 2, 32'768);
    EXPECT_TRUE(maps.ok());
    for (const MapReport& map : *maps) {
      if (map.name == name) return map.bytes;
    }
    return uint64_t{0};
  };
  EXPECT_GT(bytes_of({.process_rows = 16'384}, "process_rows"),
            bytes_of({.process_rows = 8'192}, "process_rows"));
  EXPECT_GT(bytes_of({.lifecycle_ring_bytes = 1 << 20}, "lifecycle_ring"), uint64_t{1} << 20);
  EXPECT_EQ(bytes_of({.thread_slots = 1024}, "syscall_slots"), uint64_t{1024} * 256 + 4096);
}

}  // namespace
}  // namespace leadline::agent::probes
