// What we say that our maps take of the kernel's memory, beside what the kernel says.
#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "agent/probes/probe_table.h"
#include "agent/probes/probes.h"
#include "tests/bpf/probes_fixture.h"

namespace leadline::testing {
namespace {

uint64_t KernelsBytes(const std::string& fd) {
  std::ifstream info("/proc/self/fdinfo/" + fd);
  std::string key;
  uint64_t value = 0;
  while (info >> key) {
    if (key == "memlock:" && info >> value) return value;
  }
  return 0;
}

// By name, which the kernel cuts, of the maps that this process has.
std::map<std::string, uint64_t> MapsOfThisProcess() {
  std::map<std::string, uint64_t> bytes;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone) != "anon_inode:bpf-map") continue;
    const std::string fd = entry.path().filename();
    bpf_map_info info = {};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(std::atoi(fd.c_str()), &info, &size) == 0) {
      bytes[info.name] = KernelsBytes(fd);
    }
  }
  return bytes;
}

TEST(MapMemory, IsAsTheKernelHasIt) {
  auto probes = LoadProbes();
  ASSERT_NE(probes, nullptr);
  if (agent::probes::ParseKernelVersion(probes->report().kernel) <
      agent::probes::KernelVersion{6, 4}) {
    GTEST_SKIP() << "the kernel only estimates what maps take before 6.4";
  }
  const auto kernels = MapsOfThisProcess();
  for (const auto& map : probes->report().maps) {
    if (map.name.starts_with(".")) continue;  // a few bytes, under the object's name
    const auto found = kernels.find(map.name.substr(0, BPF_OBJ_NAME_LEN - 1));
    ASSERT_NE(found, kernels.end()) << map.name;
    const double difference =
        std::abs(static_cast<double>(map.bytes) - static_cast<double>(found->second));
    EXPECT_LE(difference, std::max(0.02 * static_cast<double>(found->second), 8192.0))
        << map.name << ": ours " << map.bytes << ", the kernel's " << found->second;
  }
}

TEST(MapMemory, IsPlannedAsItIsLoaded) {
  auto probes = LoadProbes();
  ASSERT_NE(probes, nullptr);
  uint32_t pid_max = 0;
  std::ifstream("/proc/sys/kernel/pid_max") >> pid_max;
  const auto planned = agent::probes::Probes::PlanMaps({}, probes->report().cpus, pid_max);
  ASSERT_TRUE(planned.ok()) << planned.status();
  const auto& loaded = probes->report().maps;
  ASSERT_EQ(planned->size(), loaded.size());
  for (size_t i = 0; i < loaded.size(); ++i) {
    EXPECT_EQ((*planned)[i].name, loaded[i].name);
    EXPECT_EQ((*planned)[i].bytes, loaded[i].bytes) << loaded[i].name;
  }
}

}  // namespace
}  // namespace leadline::testing
