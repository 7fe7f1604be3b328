#include "agent/source/node/parsers.h"

#include <unistd.h>

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/source/node/figures.h"

namespace leadline::agent::source {
namespace {

using testing::Contains;
using testing::ElementsAre;

struct Case {
  std::string name;
  Parse parse;
  std::string text;
  std::vector<std::string> want;
  bool malformed = false;
};

class NodeParsersTest : public testing::TestWithParam<Case> {};

TEST_P(NodeParsersTest, HandsOnWhatTheTextHas) {
  absl::Status status;
  EXPECT_EQ(Figures(GetParam().parse, GetParam().text, &status), GetParam().want);
  EXPECT_EQ(status.ok(), !GetParam().malformed) << status;
}

const auto kMemoryPressure = [](std::string_view text, FigureSink sink) {
  return ParsePressure("memory", text, sink);
};
const auto kCpuPressure = [](std::string_view text, FigureSink sink) {
  return ParsePressure("cpu", text, sink);
};

INSTANTIATE_TEST_SUITE_P(
    Files, NodeParsersTest,
    testing::Values(
        Case{"meminfo",
             ParseMeminfo,
             "MemTotal:  2 kB\nActive(anon): 1 kB\nHugePages_Total:  3\n",
             {"node_memory_MemTotal_bytes{} 2048", "node_memory_Active_anon_bytes{} 1024",
              "node_memory_HugePages_Total{} 3"}},
        Case{"meminfo_with_nonsense",
             ParseMeminfo,
             "MemTotal: x kB\nMemFree: 1 MB\nBuffers: 1 kB\n",
             {"node_memory_Buffers_bytes{} 1024"},
             true},
        Case{"vmstat", ParseVmstat, "pgfault 7\n", {"node_vmstat_pgfault{} 7"}},
        Case{"loadavg",
             ParseLoadavg,
             "2.14 1.82 2.70 3/215 5\n",
             {"node_load1{} 2.14", "node_load5{} 1.82", "node_load15{} 2.7"}},
        Case{"file_nr",
             ParseFileNr,
             "766\t0\t2466193\n",
             {"node_filefd_allocated{} 766", "node_filefd_maximum{} 2466193"}},
        Case{"schedstat",
             ParseSchedstat,
             "version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 2000000000 500000000 9\ndomain0 3 1 2\n",
             {"node_schedstat_running_seconds_total{cpu=0} 2",
              "node_schedstat_waiting_seconds_total{cpu=0} 0.5",
              "node_schedstat_timeslices_total{cpu=0} 9"}},
        Case{"memory_pressure",
             kMemoryPressure,
             "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 total=1\n",
             {"node_pressure_memory_waiting_seconds_total{} 2.5",
              "node_pressure_memory_stalled_seconds_total{} 1e-06"}},
        Case{"nothing_stalls_every_cpu",
             kCpuPressure,
             "some total=1000000\nfull total=5\n",
             {"node_pressure_cpu_waiting_seconds_total{} 1"}},
        Case{"pressure_without_a_total", kMemoryPressure, "some avg10=0.00\n", {}, true},
        Case{"old_diskstats",
             ParseDiskstats,
             " 8 0 sda 1 2 3 4000 5 6 7 8000 9 10000 11000\n 8 1 sda1 1 1 1 1 1 1 1 1 1 1 1\n",
             {"node_disk_reads_completed_total{device=sda} 1",
              "node_disk_reads_merged_total{device=sda} 2",
              "node_disk_read_bytes_total{device=sda} 1536",
              "node_disk_read_time_seconds_total{device=sda} 4",
              "node_disk_writes_completed_total{device=sda} 5",
              "node_disk_writes_merged_total{device=sda} 6",
              "node_disk_written_bytes_total{device=sda} 3584",
              "node_disk_write_time_seconds_total{device=sda} 8", "node_disk_io_now{device=sda} 9",
              "node_disk_io_time_seconds_total{device=sda} 10",
              "node_disk_io_time_weighted_seconds_total{device=sda} 11"}},
        Case{"netstat",
             ParseNetstat,
             "Tcp: MaxConn CurrEstab\nTcp: -1 5\n",
             {"node_netstat_Tcp_MaxConn{} -1", "node_netstat_Tcp_CurrEstab{} 5"}},
        Case{"netstat_without_its_numbers", ParseNetstat, "Tcp: MaxConn\nUdp: 1\n", {}, true},
        Case{"snmp6",
             ParseSnmp6,
             "Ip6InOctets 1\nIcmp6InMsgs 2\nUdp6NoPorts 3\nUdpLite6InErrors 4\n",
             {"node_netstat_Ip6_InOctets{} 1", "node_netstat_Icmp6_InMsgs{} 2",
              "node_netstat_Udp6_NoPorts{} 3", "node_netstat_UdpLite6_InErrors{} 4"}},
        Case{"sockstat",
             ParseSockstat,
             "sockets: used 13\nTCP: inuse 1 mem 2\n",
             {"node_sockstat_sockets_used{} 13", "node_sockstat_TCP_inuse{} 1",
              "node_sockstat_TCP_mem{} 2",
              fmt::format("node_sockstat_TCP_mem_bytes{{}} {}", 2 * sysconf(_SC_PAGESIZE))}}),
    [](const auto& test) { return test.param.name; });

TEST(NodeParsers, EveryColumnOfADeviceHasItsName) {
  const std::vector<std::string> figures =
      Figures(ParseNetDevices,
              "Inter-|   Receive\n face |bytes\n eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
              "veth12: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  ASSERT_EQ(figures.size(), 16u) << "those of a pod's end are left out";
  EXPECT_EQ(figures[0], "node_network_receive_bytes_total{device=eth0} 1");
  EXPECT_EQ(figures[7], "node_network_receive_multicast_total{device=eth0} 8");
  EXPECT_EQ(figures[13], "node_network_transmit_colls_total{device=eth0} 14");
  EXPECT_EQ(figures[15], "node_network_transmit_compressed_total{device=eth0} 16");
}

TEST(NodeParsers, DisksAndNotTheirPartitions) {
  for (const char* disk : {"sda", "vda", "xvda", "nvme0n1", "zram0", "md0", "dm-1", "sdaa"}) {
    EXPECT_FALSE(IsIgnoredDisk(disk)) << disk;
  }
  for (const char* other :
       {"sda1", "vdb12", "xvda1", "hda2", "nvme0n1p1", "loop0", "ram15", "fd0", "sdaa3"}) {
    EXPECT_TRUE(IsIgnoredDisk(other)) << other;
  }
}

std::string StatOf(uint64_t user, uint64_t idle, uint64_t iowait) {
  return fmt::format("cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 {} 0 0 {} {} 0 0 0 0 0\nctxt 7\n", user, idle,
                     iowait);
}

TEST(CpuTimesTest, TimesOfEachModeDoNotStepBack) {
  CpuTimes times;
  const auto parse = [&](std::string_view text, FigureSink sink) {
    return times.Parse(text, sink);
  };
  const auto ticks = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  const auto seconds = [&](uint64_t user, uint64_t idle, uint64_t iowait) {
    return Figures(parse, StatOf(user * ticks, idle * ticks, iowait * ticks));
  };
  const auto first = seconds(10, 100, 5);
  EXPECT_EQ(first.size(), 11u);
  EXPECT_THAT(first, Contains("node_cpu_seconds_total{cpu=0,mode=user} 10"));
  EXPECT_THAT(first, Contains("node_cpu_guest_seconds_total{cpu=0,mode=nice} 0"));
  EXPECT_THAT(first, Contains("node_context_switches_total{} 7"));
  EXPECT_THAT(seconds(11, 99, 4),
              testing::IsSupersetOf({"node_cpu_seconds_total{cpu=0,mode=user} 11",
                                     "node_cpu_seconds_total{cpu=0,mode=idle} 100",
                                     "node_cpu_seconds_total{cpu=0,mode=iowait} 5"}));
  EXPECT_THAT(seconds(1, 2, 0),
              testing::IsSupersetOf({"node_cpu_seconds_total{cpu=0,mode=user} 1",
                                     "node_cpu_seconds_total{cpu=0,mode=idle} 2"}))
      << "a CPU that was off begins anew";
}

TEST(CpuTimesTest, ALineThatIsTooShortIsNamed) {
  CpuTimes times;
  const absl::Status status =
      times.Parse("cpu0 1 2 3\n", [](auto, auto, double) { FAIL() << "no figures of it"; });
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("cpu0 1 2 3"));
}

}  // namespace
}  // namespace leadline::agent::source
