// Latencies on a CPU that is too busy with system calls for timing each of them.
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "agent/probes/latency_layout.h"
#include "tests/bpf/syscalls_fixture.h"

namespace leadline::testing {
namespace {

using agent::probes::HistogramBucket;
using agent::probes::kTimeEverySyscall;
using agent::probes::LatencyBucket;
using agent::probes::MakeLatencyLayout;

constexpr uint64_t kManyCalls = 200'000;
constexpr int kLongCalls = 10;
constexpr uint64_t kLongNs = 40'000'000;

class SyscallTiming : public SyscallsTest {
 protected:
  uint64_t Untimed() const {
    const auto untimed = probes_->UntimedSyscalls();
    if (!untimed.ok()) ADD_FAILURE() << std::string(untimed.status().message());
    return untimed.value_or(0);
  }

  static bool CallOften() {
    for (uint64_t i = 0; i < kManyCalls; ++i) syscall(kRareCall, SCHED_OTHER);
    return true;
  }
};
LL_BY_EACH_HOOK(SyscallTiming);

TEST_P(SyscallTiming, CountsEveryCallWhenItTimesOnlySome) {
  ASSERT_TRUE(RunIn(cgroup_, CallOften));
  const Row row = ReadRow(kRareCall);
  EXPECT_EQ(row.counters.calls, kManyCalls);
  EXPECT_EQ(row.counters.latency_count, kManyCalls);
  EXPECT_GT(Untimed(), kManyCalls / 2);
}

TEST_P(SyscallTiming, TimesEveryCallWhereAskedTo) {
  Load({.syscall_timing = kTimeEverySyscall});
  ASSERT_TRUE(RunIn(cgroup_, CallOften));
  EXPECT_EQ(ReadRow(kRareCall).counters.latency_count, kManyCalls);
  EXPECT_EQ(Untimed(), 0u);
}

// Two kinds of calls in one row by turns, the one many times as long as the other: no rhythm may
// hide one of them.
TEST_P(SyscallTiming, AgreesWithTimingEveryCall) {
  static constexpr uint64_t kCalls = kManyCalls / 4;
  const auto mean_ns = [&] {
    EXPECT_TRUE(RunIn(cgroup_, [] {
      pollfd many[512];
      for (pollfd& one : many) one = {.fd = 0, .events = POLLPRI};
      for (uint64_t i = 0; i < kCalls; ++i) {
        syscall(SYS_poll, many, i % 2 == 0 ? 0 : 512, 0);
      }
      return true;
    }));
    const Row row = ReadRow(SYS_poll);
    EXPECT_EQ(row.counters.latency_count, kCalls);
    return static_cast<double>(row.counters.time_ns) / static_cast<double>(kCalls);
  };
  const double some_ns = mean_ns();
  EXPECT_GT(Untimed(), 0u);
  Load({.syscall_timing = kTimeEverySyscall});
  const double every_ns = mean_ns();
  EXPECT_GT(some_ns, every_ns / 2);
  EXPECT_LT(some_ns, every_ns * 2);
}

TEST_P(SyscallTiming, MissesNoLongCall) {
  ASSERT_TRUE(RunIn(cgroup_, [] {
    for (uint64_t i = 0; i < kManyCalls; ++i) {
      const bool is_long = i % (kManyCalls / kLongCalls) == kManyCalls / kLongCalls / 2;
      if (syscall(SYS_poll, nullptr, 0, is_long ? kLongNs / 1'000'000 : 0) != 0) return false;
    }
    return true;
  }));
  const Row row = ReadRow(SYS_poll);
  EXPECT_EQ(row.counters.latency_count, kManyCalls);
  const auto layout = MakeLatencyLayout(row.counters.latency_schema);
  const int32_t first_long =
      layout.first_index + static_cast<int32_t>(LatencyBucket(layout, kLongNs));
  uint64_t long_calls = 0;
  for (const HistogramBucket& bucket : row.buckets) {
    if (bucket.index >= first_long) long_calls += bucket.count;
  }
  EXPECT_EQ(long_calls, uint64_t{kLongCalls});
  EXPECT_GE(row.counters.time_ns, kLongCalls * kLongNs);
}

}  // namespace
}  // namespace leadline::testing
