#include "agent/aggregate/process_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prometheus/registry.h"
#include "tests/unit/agent/aggregate/sample_collector.h"

namespace leadline::agent::aggregate {
namespace {

using probes::ProcessTotals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class ProcessSeriesTest : public testing::Test {
 protected:
  // The samples of metrics that have `name` in theirs.
  std::vector<std::string> Record(int64_t ts_ms, const ProcessFigures& figures,
                                  std::string_view name) {
    Subject subject{.entity = batcher_.DefineEntity({.id = {0, 1}, .start_ms = 1000}),
                    .counted_from_ms = 1000,
                    .ts_ms = ts_ms};
    Subject counted = subject;
    counted.counted_from_ms = 3000;
    series_.Record(subject, counted, figures, recorder_);
    std::vector<std::string> samples = collector_.Take();
    std::erase_if(samples,
                  [&](const auto& sample) { return sample.find(name) == std::string::npos; });
    return samples;
  }

  source::ProcessStat stat_{.pid = 1,
                            .user_ns = 2'000'000'000,
                            .system_ns = 250'000'000,
                            .threads = 3,
                            .resident_bytes = 8192};
  prometheus::Registry registry_;
  Batcher batcher_{BatcherOptions{}, registry_};
  Recorder recorder_{batcher_};
  SampleCollector collector_{batcher_};
  ProcessSeries series_;
};

TEST_F(ProcessSeriesTest, CpuIsByMode) {
  EXPECT_THAT(Record(1000, {.stat = &stat_}, "process_"),
              ElementsAre(R"(process_cpu_time_seconds_total{cpu_mode="system"} 0.25 @1000)",
                          R"(process_cpu_time_seconds_total{cpu_mode="user"} 2 @1000)",
                          "process_memory_usage_bytes 8192 @1000", "process_thread_count 3 @1000"));
}

TEST_F(ProcessSeriesTest, SystemCallsAreByClassFromWhenTheKernelCounts) {
  ProcessTotals totals;
  totals.classes[SYSCALL_CLASS_FILE] = {.calls = 7, .errors = 2, .time_ns = 500'000'000};
  totals.classes[SYSCALL_CLASS_WAIT] = {.calls = 1};
  EXPECT_THAT(Record(5000, {.stat = &stat_, .totals = &totals}, "process_syscall"),
              UnorderedElementsAre(R"(process_syscalls_total{class="file"} 0 @3000)",
                                   R"(process_syscalls_total{class="file"} 7 @5000)",
                                   R"(process_syscall_errors_total{class="file"} 0 @3000)",
                                   R"(process_syscall_errors_total{class="file"} 2 @5000)",
                                   R"(process_syscall_time_seconds_total{class="file"} 0 @3000)",
                                   R"(process_syscall_time_seconds_total{class="file"} 0.5 @5000)",
                                   R"(process_syscalls_total{class="wait"} 0 @3000)",
                                   R"(process_syscalls_total{class="wait"} 1 @5000)",
                                   R"(process_syscall_time_seconds_total{class="wait"} 0 @3000)",
                                   R"(process_syscall_time_seconds_total{class="wait"} 0 @5000)"));
}

// A thread ended between the reading of the rows and that of the slots.
TEST_F(ProcessSeriesTest, NoCounterFalls) {
  ProcessTotals totals{.run_delay_ns = 3'000'000'000};
  totals.classes[SYSCALL_CLASS_FILE].calls = 7;
  Record(5000, {.stat = &stat_, .threads_run_delay_ns = 1'000'000'000, .totals = &totals}, "");
  totals.classes[SYSCALL_CLASS_FILE].calls = 5;
  stat_.user_ns -= 1;
  const ProcessFigures figures{.stat = &stat_, .threads_run_delay_ns = 0, .totals = &totals};
  EXPECT_THAT(
      Record(6000, figures, "_total"),
      UnorderedElementsAre(R"(process_syscalls_total{class="file"} 7 @6000)",
                           R"(process_syscall_time_seconds_total{class="file"} 0 @6000)",
                           R"(process_cpu_time_seconds_total{cpu_mode="system"} 0.25 @6000)",
                           R"(process_cpu_time_seconds_total{cpu_mode="user"} 2 @6000)",
                           "process_cpu_schedstat_runqueue_seconds_total 4 @6000"));
}

TEST_F(ProcessSeriesTest, WhatHasEndedHasTheKernelsLastWord) {
  Record(5000, {.stat = &stat_, .threads_run_delay_ns = 1'000'000'000}, "");
  const ProcessTotals totals{.run_delay_ns = 1'500'000'000,
                             .end_mono_ns = 1,
                             .cpu_ns = 4'000'000'000,
                             .user_ns = 3,
                             .system_ns = 1};
  EXPECT_THAT(Record(6000, {.totals = &totals}, "process_"),
              ElementsAre("process_cpu_schedstat_runqueue_seconds_total 1.5 @6000",
                          R"(process_cpu_time_seconds_total{cpu_mode="system"} 1 @6000)",
                          R"(process_cpu_time_seconds_total{cpu_mode="user"} 3 @6000)"));
}

TEST_F(ProcessSeriesTest, WithoutSchedstatThereIsNoRunDelay) {
  EXPECT_THAT(Record(5000, {.stat = &stat_}, "schedstat"), IsEmpty());
}

TEST(DivideCpuTime, IsAsTheTicksDivideIt) {
  const auto divide = [](uint64_t cpu_ns, uint64_t user_ns, uint64_t system_ns) {
    const CpuTime time =
        DivideCpuTime({.cpu_ns = cpu_ns, .user_ns = user_ns, .system_ns = system_ns});
    return std::pair(time.user_ns, time.system_ns);
  };
  EXPECT_EQ(divide(1000, 0, 0), std::pair(uint64_t{1000}, uint64_t{0}));
  EXPECT_EQ(divide(1000, 4, 12), std::pair(uint64_t{250}, uint64_t{750}));
  EXPECT_EQ(divide(1000, 0, 9), std::pair(uint64_t{0}, uint64_t{1000}));
}

}  // namespace
}  // namespace leadline::agent::aggregate
