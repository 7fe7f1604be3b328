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

  CgroupStats ReadV1() {
    const std::string root = root_;
    OpenFiles files(100);  // a new one looks for what was missing before
    CgroupStatsReader reader(
        {.v1_cpuacct = root, .v1_memory = root, .v1_cpu = root, .v1_blkio = root, .v1_pids = root},
        files);
    return reader.Read("/c");
  }
  CgroupStats ReadV2() {
    OpenFiles files(100);
    CgroupStatsReader reader({.v2 = root_, .v2_memory = true}, files);
    return reader.Read("/c");
  }

  std::filesystem::path root_;
};

struct Figure {
  const char* file;
  const char* text;
  std::optional<uint64_t> CgroupStats::*figure;
  std::optional<uint64_t> want;
};

const uint64_t kTickNs = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));

TEST_F(CgroupStatsTest, V1) {
  const std::string stat =
      "cache 1\nrss 2\nmapped_file 3\nswap 4\npgfault 5\npgmajfault 6\ninactive_file 7\n"
      "total_cache 10\ntotal_rss 20\ntotal_mapped_file 30\ntotal_swap 40\ntotal_pgfault 50\n"
      "total_pgmajfault 60\ntotal_inactive_file 70\n";
  const Figure figures[] = {
      {"cpuacct.usage", "1234567890\n", &CgroupStats::cpu_usage_ns, 1234567890},
      {"cpuacct.stat", "user 70\nsystem 30\n", &CgroupStats::cpu_user_ns, 70 * kTickNs},
      {"cpuacct.stat", "user 70\nsystem 30\n", &CgroupStats::cpu_system_ns, 30 * kTickNs},
      {"cpu.stat", "nr_periods 9\nnr_throttled 4\n", &CgroupStats::cpu_periods, 9},
      {"cpu.stat", "nr_periods 9\nnr_throttled 4\n", &CgroupStats::cpu_throttled_periods, 4},
      {"cpu.stat", "throttled_time 5000\n", &CgroupStats::cpu_throttled_ns, 5000},
      {"cpu.cfs_quota_us", "50000\n", &CgroupStats::cpu_quota_us, 50000},
      {"cpu.cfs_quota_us", "-1\n", &CgroupStats::cpu_quota_us, std::nullopt},
      {"cpu.cfs_period_us", "100000\n", &CgroupStats::cpu_period_us, 100000},
      {"cpu.shares", "102\n", &CgroupStats::cpu_shares, 102},
      {"memory.usage_in_bytes", "1000000\n", &CgroupStats::memory_usage_bytes, 1000000},
      {"memory.max_usage_in_bytes", "2000000\n", &CgroupStats::memory_max_usage_bytes, 2000000},
      {"memory.failcnt", "3\n", &CgroupStats::memory_limit_hits, 3},
      {"memory.limit_in_bytes", "9223372036854771712\n", &CgroupStats::memory_limit_bytes, 0},
      {"memory.limit_in_bytes", "4096\n", &CgroupStats::memory_limit_bytes, 4096},
      {"memory.memsw.limit_in_bytes", "8192\n", &CgroupStats::memory_swap_limit_bytes, 8192},
      {"memory.soft_limit_in_bytes", "9223372036854771712\n",
       &CgroupStats::memory_reservation_bytes, 0},
      {"memory.stat", stat.c_str(), &CgroupStats::memory_rss_bytes, 20},
      {"memory.stat", stat.c_str(), &CgroupStats::memory_cache_bytes, 10},
      {"memory.stat", stat.c_str(), &CgroupStats::memory_mapped_file_bytes, 30},
      {"memory.stat", stat.c_str(), &CgroupStats::memory_swap_bytes, 40},
      {"memory.stat", stat.c_str(), &CgroupStats::page_faults, 5},
      {"memory.stat", stat.c_str(), &CgroupStats::major_page_faults, 6},
      {"memory.stat", stat.c_str(), &CgroupStats::page_faults_with_children, 50},
      {"memory.stat", stat.c_str(), &CgroupStats::major_page_faults_with_children, 60},
      {"memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
       &CgroupStats::oom_kills, 2},
      {"pids.current", "7\n", &CgroupStats::threads, 7},
      {"pids.max", "max\n", &CgroupStats::max_threads, 0},
  };
  for (const Figure& figure : figures) {
    Write(figure.file, figure.text);
    EXPECT_EQ(ReadV1().*figure.figure, figure.want) << figure.file << ": " << figure.text;
  }
  EXPECT_EQ(ReadV1().memory_working_set_bytes, 999930u);
}

TEST_F(CgroupStatsTest, V2) {
  const std::string stat =
      "anon 40\nfile 60\nfile_mapped 5\ninactive_file 200\npgfault 8\npgmajfault 9\n";
  const std::string cpu =
      "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 7\nnr_throttled 6\nthrottled_usec 4\n";
  const std::string pressure =
      "some avg10=0.10 avg60=0.20 avg300=0.30 total=11\n"
      "full avg10=0.00 avg60=0.00 avg300=0.00 total=3\n";
  const Figure figures[] = {
      {"cpu.stat", cpu.c_str(), &CgroupStats::cpu_usage_ns, 5000},
      {"cpu.stat", cpu.c_str(), &CgroupStats::cpu_user_ns, 3000},
      {"cpu.stat", cpu.c_str(), &CgroupStats::cpu_system_ns, 2000},
      {"cpu.stat", cpu.c_str(), &CgroupStats::cpu_periods, 7},
      {"cpu.stat", cpu.c_str(), &CgroupStats::cpu_throttled_periods, 6},
      {"cpu.stat", cpu.c_str(), &CgroupStats::cpu_throttled_ns, 4000},
      {"cpu.max", "50000 100000\n", &CgroupStats::cpu_quota_us, 50000},
      {"cpu.max", "max 200000\n", &CgroupStats::cpu_quota_us, std::nullopt},
      {"cpu.max", "max 200000\n", &CgroupStats::cpu_period_us, 200000},
      {"cpu.weight", "1\n", &CgroupStats::cpu_shares, 2},
      {"cpu.weight", "39\n", &CgroupStats::cpu_shares, 998},  // of 1024 shares
      {"cpu.weight", "10000\n", &CgroupStats::cpu_shares, 262144},
      {"memory.current", "100\n", &CgroupStats::memory_usage_bytes, 100},
      {"memory.peak", "300\n", &CgroupStats::memory_max_usage_bytes, 300},
      {"memory.max", "max\n", &CgroupStats::memory_limit_bytes, 0},
      {"memory.swap.max", "4096\n", &CgroupStats::memory_swap_limit_bytes, 4096},
      {"memory.swap.current", "17\n", &CgroupStats::memory_swap_bytes, 17},
      {"memory.min", "0\n", &CgroupStats::memory_reservation_bytes, 0},
      {"memory.stat", stat.c_str(), &CgroupStats::memory_rss_bytes, 40},
      {"memory.stat", stat.c_str(), &CgroupStats::memory_cache_bytes, 60},
      {"memory.stat", stat.c_str(), &CgroupStats::memory_mapped_file_bytes, 5},
      {"memory.stat", stat.c_str(), &CgroupStats::page_faults, 8},
      {"memory.stat", stat.c_str(), &CgroupStats::page_faults_with_children, 8},
      {"memory.stat", stat.c_str(), &CgroupStats::major_page_faults, 9},
      {"memory.stat", stat.c_str(), &CgroupStats::major_page_faults_with_children, 9},
      {"memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n",
       &CgroupStats::memory_limit_hits, 3},
      {"memory.events", "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n", &CgroupStats::oom_kills, 5},
      {"pids.current", "7\n", &CgroupStats::threads, 7},
      {"pids.max", "100\n", &CgroupStats::max_threads, 100},
      {"cpu.pressure", pressure.c_str(), &CgroupStats::cpu_waiting_ns, 11000},
      {"cpu.pressure", pressure.c_str(), &CgroupStats::cpu_stalled_ns, 3000},
      {"memory.pressure", pressure.c_str(), &CgroupStats::memory_waiting_ns, 11000},
      {"memory.pressure", pressure.c_str(), &CgroupStats::memory_stalled_ns, 3000},
      {"io.pressure", pressure.c_str(), &CgroupStats::io_waiting_ns, 11000},
      {"io.pressure", "some total=1\n", &CgroupStats::io_stalled_ns, std::nullopt},
      {"io.pressure", "some avg10=0.10\n", &CgroupStats::io_waiting_ns, std::nullopt},
  };
  for (const Figure& figure : figures) {
    Write(figure.file, figure.text);
    EXPECT_EQ(ReadV2().*figure.figure, figure.want) << figure.file << ": " << figure.text;
  }
  EXPECT_EQ(ReadV2().memory_working_set_bytes, 0u);
}

TEST_F(CgroupStatsTest, DevicesOfBothVersions) {
  const DeviceIo want{
      .device = "254:0", .reads = 1, .read_bytes = 4096, .writes = 2, .write_bytes = 8192};
  Write("blkio.throttle.io_serviced_recursive",
        "254:0 Read 1\n254:0 Write 2\n254:0 Sync 3\n254:0 Total 3\nTotal 3\n");
  Write("blkio.throttle.io_service_bytes_recursive",
        "254:0 Read 4096\n254:0 Write 8192\n254:0 Total 12288\nTotal 12288\n");
  EXPECT_EQ(ReadV1().devices, std::vector{want});
  Write("io.stat", "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n8:0 rbytes=x\n");
  EXPECT_EQ(ReadV2().devices, std::vector{want});
}

TEST_F(CgroupStatsTest, WhatIsMissingIsAbsentNotZero) {
  Write("cpuacct.usage", "many\n");
  const CgroupStats stats = ReadV1();
  EXPECT_EQ(stats.cpu_usage_ns, std::nullopt);
  EXPECT_EQ(stats.cpu_user_ns, std::nullopt);
  EXPECT_EQ(stats.memory_usage_bytes, std::nullopt);
  EXPECT_EQ(stats.memory_limit_bytes, std::nullopt);
  EXPECT_EQ(stats.cpu_waiting_ns, std::nullopt);
  EXPECT_TRUE(stats.devices.empty());
}

}  // namespace
}  // namespace leadline::agent::source
