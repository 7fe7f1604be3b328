// Latencies on a CPU that is too busy with system calls for timing each of them.
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include <gtest/gtest.h>

#include "agent/probes/latency_layout.h"
#include "common/clock.h"
#include "tests/bpf/shared.h"
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

using Buckets = std::vector<HistogramBucket>;

// The bucket that has the call which is longer than such a share of all.
int32_t QuantileBucket(const Buckets& buckets, uint64_t calls, double share) {
  auto left = static_cast<int64_t>(share * static_cast<double>(calls));
  for (const HistogramBucket& bucket : buckets) {
    left -= static_cast<int64_t>(bucket.count);
    if (left < 0) return bucket.index;
  }
  return buckets.back().index;
}

// Which share of the calls is in buckets above this one.
double ShareAbove(const Buckets& buckets, uint64_t calls, int32_t index) {
  uint64_t above = 0;
  for (const HistogramBucket& bucket : buckets) above += bucket.index > index ? bucket.count : 0;
  return static_cast<double>(above) / static_cast<double>(calls);
}

// Two kinds of calls in one row by turns, the one many times as long as the other: no rhythm may
// hide one of them. By how many are long, since a mean is what the longest make of it, those whose
// process had to wait for a CPU.
TEST_P(SyscallTiming, AgreesWithTimingEveryCall) {
  static constexpr uint64_t kCalls = kManyCalls / 4;
  const auto histogram = [&] {
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
    return row.buckets;
  };
  const Buckets some = histogram();
  ASSERT_FALSE(some.empty());
  EXPECT_GT(Untimed(), 0u);
  Load({.syscall_timing = kTimeEverySyscall});
  const Buckets every = histogram();
  ASSERT_FALSE(every.empty());
  const int32_t short_ones = QuantileBucket(every, kCalls, 0.25);
  const int32_t long_ones = QuantileBucket(every, kCalls, 0.75);
  ASSERT_GT(long_ones, short_ones + 1);
  const int32_t between = (short_ones + long_ones) / 2;
  EXPECT_NEAR(ShareAbove(every, kCalls, between), 0.5, 0.1);
  EXPECT_NEAR(ShareAbove(some, kCalls, between), 0.5, 0.25);
}

TEST_P(SyscallTiming, MissesNoLongCall) {
  // As the process saw it: others may have to wait for a CPU, and what is long may be counted as a
  // tick longer than it was.
  const Shared<uint64_t> at_most;
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    const Clock& clock = SystemClock();
    for (uint64_t i = 0; i < kManyCalls; ++i) {
      const bool is_long = i % (kManyCalls / kLongCalls) == kManyCalls / kLongCalls / 2;
      const int64_t begun_ns = clock.NowMonoNs();
      if (syscall(SYS_poll, nullptr, 0, is_long ? kLongNs / 1'000'000 : 0) != 0) return false;
      if (clock.NowMonoNs() - begun_ns > int64_t{kLongNs} / 4) ++*at_most;
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
  EXPECT_GE(long_calls, uint64_t{kLongCalls});
  EXPECT_LE(long_calls, *at_most);
  EXPECT_GE(row.counters.time_ns, kLongCalls * kLongNs);
}

}  // namespace
}  // namespace leadline::testing
