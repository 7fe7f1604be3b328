#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/aggregate/container_series.h"
#include "agent/aggregate/network_series.h"
#include "prometheus/registry.h"
#include "tests/unit/agent/aggregate/sample_collector.h"

namespace leadline::agent::aggregate {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

class ResourceSeriesTest : public testing::Test {
 protected:
  Subject At(int64_t ts_ms) {
    return {.entity = batcher_.DefineEntity({.id = {0, 1}, .start_ms = 1000}),
            .counted_from_ms = 1000,
            .ts_ms = ts_ms};
  }

  prometheus::Registry registry_;
  Batcher batcher_{BatcherOptions{}, registry_};
  Recorder recorder_{batcher_};
  SampleCollector collector_{batcher_};
  ContainerSeries containers_;
  source::OpenFiles files_{10};
  source::DeviceNames device_names_{files_};
};

TEST_F(ResourceSeriesTest, AbsentFiguresHaveNoSeries) {
  containers_.Record(At(5000), 1000, {.cpu_usage_ns = 1'500'000'000, .memory_usage_bytes = 4096},
                     device_names_, std::nullopt, recorder_);
  EXPECT_THAT(collector_.Take(),
              ElementsAre("container_cpu_usage_seconds_total 0 @1000",
                          "container_cpu_usage_seconds_total 1.5 @5000",
                          "container_last_seen 5 @5000", "container_memory_usage_bytes 4096 @5000",
                          "container_start_time_seconds 1 @5000"));
}

TEST_F(ResourceSeriesTest, EnforcementIsReportedWhereThereIsALimit) {
  containers_.Record(At(1000), 1000, {.cpu_periods = 7, .cpu_throttled_ns = 500'000'000},
                     device_names_, std::nullopt, recorder_);
  EXPECT_THAT(collector_.Take(), Not(Contains(HasSubstr("container_cpu_cfs"))));
  containers_.Record(At(2000), 1000,
                     {.cpu_periods = 8, .cpu_throttled_ns = 500'000'000, .cpu_quota_us = 50000},
                     device_names_, std::nullopt, recorder_);
  EXPECT_THAT(collector_.Take(),
              IsSupersetOf({"container_cpu_cfs_periods_total 8 @2000",
                            "container_cpu_cfs_throttled_seconds_total 0.5 @2000",
                            "container_spec_cpu_quota 50000 @2000"}));
}

TEST_F(ResourceSeriesTest, FaultsAreByTypeAndScope) {
  containers_.Record(At(1000), 1000, {.page_faults = 3, .major_page_faults_with_children = 4},
                     device_names_, std::nullopt, recorder_);
  EXPECT_THAT(
      collector_.Take(),
      IsSupersetOf(
          {R"(container_memory_failures_total{failure_type="pgfault", scope="container"} 3 @1000)",
           R"(container_memory_failures_total{failure_type="pgmajfault", scope="hierarchy"} 4 @1000)"}));
}

TEST_F(ResourceSeriesTest, DevicesGoByTheirNames) {
  containers_.Record(At(1000), 1000, {.devices = {{.device = "0:4095", .reads = 3}}}, device_names_,
                     std::nullopt, recorder_);
  const std::vector<std::string> samples = collector_.Take();
  EXPECT_THAT(samples, Contains(R"(container_fs_reads_total{device="0:4095"} 3 @1000)"));
  EXPECT_THAT(samples, Not(Contains(HasSubstr("container_fs_writes_total"))));
}

TEST_F(ResourceSeriesTest, NetworkIsByInterface) {
  NetworkSeries networks;
  const std::vector<source::InterfaceCounters> interfaces = {
      {.interface = "eth0", .receive_bytes = 10, .transmit_bytes = 20}};
  networks.Record(At(1000), interfaces, recorder_);
  const std::vector<std::string> samples = collector_.Take();
  EXPECT_EQ(samples.size(), NetworkSeries::kCounters);
  EXPECT_THAT(
      samples,
      IsSupersetOf({R"(container_network_receive_bytes_total{interface="eth0"} 10 @1000)",
                    R"(container_network_transmit_bytes_total{interface="eth0"} 20 @1000)"}));
}

}  // namespace
}  // namespace leadline::agent::aggregate
