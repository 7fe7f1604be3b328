#include "agent/source/cgroup_stats.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace leadline::agent::source {
namespace {

class CgroupStatsTest : public testing::Test {
 protected:
  CgroupStatsTest() {
    root_ =
        std::filesystem::temp_directory_path() / ("leadline-cgroup-" + std::to_string(getpid()));
    std::filesystem::create_directories(root_ / "c");
  }
  ~CgroupStatsTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& file, const std::string& text) {
    std::ofstream(root_ / "c" / file) << text;
  }

  std::filesystem::path root_;
};

TEST_F(CgroupStatsTest, V1) {
  Write("cpuacct.usage", "1234567890\n");
  Write("cpuacct.stat", "user 70\nsystem 30\n");
  Write("memory.usage_in_bytes", "1000000\n");
  Write("memory.limit_in_bytes", "9223372036854771712\n");
  Write(
      "memory.stat",
      "cache 1\nrss 2\ninactive_file 3\ntotal_cache 400\ntotal_rss 500\ntotal_inactive_file 600\n");
  CgroupStatsReader reader({.v2 = "", .v1_cpuacct = root_, .v1_memory = root_});
  const CgroupStats stats = reader.Read("/c");
  const uint64_t tick_ns = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  EXPECT_EQ(stats.cpu_usage_ns, 1234567890u);
  EXPECT_EQ(stats.cpu_user_ns, 70 * tick_ns);
  EXPECT_EQ(stats.cpu_system_ns, 30 * tick_ns);
  EXPECT_EQ(stats.memory_usage_bytes, 1000000u);
  EXPECT_EQ(stats.memory_working_set_bytes, 999400u);
  EXPECT_EQ(stats.memory_rss_bytes, 500u);
  EXPECT_EQ(stats.memory_cache_bytes, 400u);
  EXPECT_EQ(stats.memory_limit_bytes, 0u);
}

TEST_F(CgroupStatsTest, V2) {
  Write("cpu.stat", "usage_usec 5\nuser_usec 3\nsystem_usec 2\n");
  Write("memory.current", "100\n");
  Write("memory.max", "max\n");
  Write("memory.stat", "anon 40\nfile 60\ninactive_file 200\n");
  CgroupStatsReader reader({.v2 = root_, .v2_memory = true});
  const CgroupStats stats = reader.Read("/c");
  EXPECT_EQ(stats.cpu_usage_ns, 5000u);
  EXPECT_EQ(stats.memory_rss_bytes, 40u);
  EXPECT_EQ(stats.memory_working_set_bytes, 0u);
  EXPECT_EQ(stats.memory_limit_bytes, 0u);
}

TEST_F(CgroupStatsTest, WhatIsMissingIsAbsentNotZero) {
  Write("cpuacct.usage", "many\n");
  CgroupStatsReader reader({.v2 = "", .v1_cpuacct = root_, .v1_memory = root_});
  const CgroupStats stats = reader.Read("/c");
  EXPECT_EQ(stats.cpu_usage_ns, std::nullopt);
  EXPECT_EQ(stats.cpu_user_ns, std::nullopt);
  EXPECT_EQ(stats.memory_usage_bytes, std::nullopt);
  EXPECT_EQ(stats.memory_limit_bytes, std::nullopt);
}

}  // namespace
}  // namespace leadline::agent::source
