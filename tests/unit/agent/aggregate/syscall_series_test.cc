#include "agent/aggregate/syscall_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prometheus/registry.h"
#include "tests/unit/agent/aggregate/sample_collector.h"

namespace leadline::agent::aggregate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint16_t kGetppid = 110;
constexpr uint16_t kRead = 0;

class SyscallSeriesTest : public testing::Test {
 protected:
  EntityRef Container(uint64_t id) {
    return batcher_.DefineEntity({.id = {0, id}, .start_ms = 1000});
  }

  void Record(EntityRef owner, int64_t ts_ms, int64_t still_zero_ms = 0) {
    series_.Record(
        {.entity = owner, .counted_from_ms = 1000, .still_zero_ms = still_zero_ms, .ts_ms = ts_ms},
        recorder_);
  }

  prometheus::Registry registry_;
  Batcher batcher_{BatcherOptions{}, registry_};
  Recorder recorder_{batcher_};
  SampleCollector collector_{batcher_};
  SyscallSeries series_;
};

probes::SyscallCounters Row(uint64_t cgroup_id, uint16_t nr, uint64_t calls, uint64_t errors = 0) {
  probes::SyscallCounters row;
  row.cgroup_id = cgroup_id;
  row.nr = nr;
  row.calls = calls;
  row.errors = errors;
  return row;
}

TEST_F(SyscallSeriesTest, ACounterBeginsWithZero) {
  const EntityRef owner = Container(1);
  series_.Fold(owner, Row(7, kGetppid, 5));
  Record(owner, 10'000);
  EXPECT_THAT(collector_.Take(),
              ElementsAre(R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 0 @1000)",
                          R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 5 @10000)"));
}

TEST_F(SyscallSeriesTest, ACallFirstMadeLateWasStillZeroAtTheIntervalBefore) {
  const EntityRef owner = Container(1);
  series_.Fold(owner, Row(7, kGetppid, 5));
  Record(owner, 30'000, 20'000);
  EXPECT_THAT(collector_.Take(),
              ElementsAre(R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 0 @1000)",
                          R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 0 @20000)",
                          R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 5 @30000)"));
}

TEST_F(SyscallSeriesTest, NestedCgroupsAddUpAndKeepTheirCountsWhenTheyEnd) {
  const EntityRef owner = Container(1);
  series_.Fold(owner, Row(7, kGetppid, 5));
  series_.Fold(owner, Row(8, kGetppid, 10));
  Record(owner, 10'000);
  collector_.Take();
  series_.ForgetCgroup(8);
  series_.Fold(owner, Row(7, kGetppid, 6));
  series_.Fold(owner, Row(9, kGetppid, 100));
  Record(owner, 20'000);
  EXPECT_THAT(
      collector_.Take(),
      ElementsAre(R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 116 @20000)"));
}

TEST_F(SyscallSeriesTest, ErrorsHaveASeriesFromTheFirstErrorOn) {
  const EntityRef owner = Container(1);
  series_.Fold(owner, Row(7, kRead, 5));
  Record(owner, 10'000);
  collector_.Take();
  series_.Fold(owner, Row(7, kRead, 9, 2));
  Record(owner, 20'000, 10'000);
  EXPECT_THAT(
      collector_.Take(),
      ElementsAre(R"(container_syscall_errors_total{abi="x86_64", syscall="read"} 0 @1000)",
                  R"(container_syscall_errors_total{abi="x86_64", syscall="read"} 0 @10000)",
                  R"(container_syscall_errors_total{abi="x86_64", syscall="read"} 2 @20000)",
                  R"(container_syscalls_total{abi="x86_64", syscall="read"} 9 @20000)"));
}

TEST_F(SyscallSeriesTest, ThirtyTwoBitCallsAreApart) {
  const EntityRef owner = Container(1);
  probes::SyscallCounters row = Row(7, 64, 3);  // getppid of i386
  row.abi = probes::SyscallAbi::kCompat;
  series_.Fold(owner, Row(7, kGetppid, 5));
  series_.Fold(owner, row);
  Record(owner, 1000);
  EXPECT_THAT(collector_.Take(),
              ElementsAre(R"(container_syscalls_total{abi="i386", syscall="getppid"} 3 @1000)",
                          R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 5 @1000)"));
}

TEST_F(SyscallSeriesTest, DurationsOfSeveralCgroupsAreOneHistogram) {
  const EntityRef owner = Container(1);
  probes::SyscallCounters row = Row(7, kRead, 3);
  const std::vector<probes::HistogramBucket> first = {{-40, 2}, {-38, 1}};
  row.latency_buckets = first;
  series_.Fold(owner, row);
  row.cgroup_id = 8;
  const std::vector<probes::HistogramBucket> second = {{-39, 4}, {-38, 1}};
  row.latency_buckets = second;
  series_.Fold(owner, row);
  Record(owner, 1000);
  EXPECT_THAT(
      collector_.Take(),
      ElementsAre(R"(container_syscall_duration_seconds{abi="x86_64", syscall="read"} 8 @1000)",
                  R"(container_syscalls_total{abi="x86_64", syscall="read"} 6 @1000)"));
}

TEST_F(SyscallSeriesTest, OwnersAreApart) {
  const EntityRef one = Container(1);
  const EntityRef two = Container(2);
  series_.Fold(one, Row(7, kRead, 5));
  Record(two, 1000);
  EXPECT_THAT(collector_.Take(), IsEmpty());
}

}  // namespace
}  // namespace leadline::agent::aggregate
