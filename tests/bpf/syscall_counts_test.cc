// What a row of system calls says, for calls that the test makes itself.
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <numeric>

#include <gtest/gtest.h>

#include "agent/probes/latency_layout.h"
#include "common/clock.h"
#include "tests/bpf/syscalls_fixture.h"

namespace leadline::testing {
namespace {

using agent::probes::HistogramBucket;
using agent::probes::LatencyBucket;
using agent::probes::MakeLatencyLayout;
using agent::probes::SyscallAbi;

class SyscallCounts : public SyscallsTest {};
LL_BY_EACH_HOOK(SyscallCounts);

void ExpectAddsUp(const Row& row) {
  const uint64_t sum =
      std::accumulate(row.buckets.begin(), row.buckets.end(), uint64_t{0},
                      [](uint64_t total, const HistogramBucket& b) { return total + b.count; });
  EXPECT_EQ(sum, row.counters.latency_count);
}

TEST_P(SyscallCounts, CountsCallsExactly) {
  ASSERT_TRUE(RunIn(cgroup_, [] {
    for (int i = 0; i < 1000; ++i) syscall(kRareCall, SCHED_OTHER);
    return true;
  }));
  const Row row = ReadRow(kRareCall);
  EXPECT_EQ(row.counters.calls, 1000u);
  EXPECT_EQ(row.counters.latency_count, 1000u);
  EXPECT_EQ(row.counters.errors, 0u);
  EXPECT_EQ(row.counters.interrupted, 0u);
  EXPECT_EQ(row.counters.unmatched, 0u);
  EXPECT_GT(row.counters.time_ns, 0u);
  ExpectAddsUp(row);
}

TEST_P(SyscallCounts, CountsErrorsApart) {
  ASSERT_TRUE(RunIn(cgroup_, [] {
    for (int i = 0; i < 37; ++i) {
      if (syscall(kRareFailingCall, 12345) != -1 || errno != EINVAL) return false;
    }
    return true;
  }));
  const Row row = ReadRow(kRareFailingCall);
  EXPECT_EQ(row.counters.calls, 37u);
  EXPECT_EQ(row.counters.errors, 37u);
  EXPECT_EQ(row.counters.latency_count, 37u);
}

TEST_P(SyscallCounts, CountsReturnsWhereLatenciesAreGivenUp) {
  constexpr agent::probes::Effort kUntimed = {.times_syscalls = false};
  const auto make_calls = [&] {
    ASSERT_TRUE(RunIn(cgroup_, [] {
      for (int i = 0; i < 1000; ++i) syscall(kRareCall, SCHED_OTHER);
      for (int i = 0; i < 37; ++i) syscall(kRareFailingCall, 12345);
      return true;
    }));
  };
  ASSERT_TRUE(probes_->SetEffort(kUntimed).ok());
  make_calls();
  const Rows rows = ReadRows(*probes_);
  EXPECT_EQ(RowOf(rows, cgroup_.id(), kRareCall).counters.calls, 1000u);
  EXPECT_EQ(RowOf(rows, cgroup_.id(), kRareCall).counters.latency_count, 0u);
  EXPECT_EQ(RowOf(rows, cgroup_.id(), kRareCall).counters.unmatched, 0u);
  EXPECT_EQ(RowOf(rows, cgroup_.id(), kRareFailingCall).counters.calls, 37u);
  EXPECT_EQ(RowOf(rows, cgroup_.id(), kRareFailingCall).counters.errors, 37u);
  ASSERT_TRUE(probes_->SetEffort({}).ok());
  make_calls();
  const Row row = ReadRow(kRareCall);
  EXPECT_EQ(row.counters.calls, 2000u);
  EXPECT_EQ(row.counters.latency_count, 1000u);
  EXPECT_EQ(row.counters.unmatched, 0u);
}

// Addresses are results too, and their lower halves may look negative.
TEST_P(SyscallCounts, TakesLargeResultsForWhatTheyAre) {
  ASSERT_TRUE(RunIn(cgroup_, [] {
    void* memory = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 10; ++i) {
      if (syscall(SYS_mremap, memory, 4096, 4096, 0) != reinterpret_cast<long>(memory))
        return false;
    }
    return true;
  }));
  const Row row = ReadRow(SYS_mremap);
  EXPECT_EQ(row.counters.calls, 10u);
  EXPECT_EQ(row.counters.errors, 0u);
}

void Ignore(int) {}

bool Handle(int signal_number) {
  struct sigaction action = {};
  action.sa_handler = Ignore;
  return sigaction(signal_number, &action, nullptr) == 0;
}

// rt_sigsuspend always returns -ERESTARTNOHAND (-514) to the kernel's exit path.
TEST_P(SyscallCounts, CountsInterruptedCallsApartFromErrors) {
  ASSERT_TRUE(RunIn(cgroup_, [] {
    sigset_t blocked, none;
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, nullptr);
    if (!Handle(SIGUSR1)) return false;
    for (int i = 0; i < 5; ++i) {
      raise(SIGUSR1);
      if (sigsuspend(&none) != -1 || errno != EINTR) return false;
    }
    return true;
  }));
  const Rows rows = ReadRows(*probes_);
  const Row row = RowOf(rows, cgroup_.id(), SYS_rt_sigsuspend);
  EXPECT_EQ(row.counters.calls, 5u);
  EXPECT_EQ(row.counters.interrupted, 5u);
  EXPECT_EQ(row.counters.errors, 0u);
  EXPECT_EQ(row.counters.latency_count, 5u);

  // Each handler returned through rt_sigreturn, whose number is gone when it "returns".
  const Row sigreturn = RowOf(rows, cgroup_.id(), SYS_rt_sigreturn);
  EXPECT_EQ(sigreturn.counters.calls, 5u);
  EXPECT_EQ(sigreturn.counters.unmatched, 5u);
  EXPECT_EQ(sigreturn.counters.latency_count, 0u);
}

// nanosleep returns -ERESTART_RESTARTBLOCK (-516). The timer goes on until one hits it.
TEST_P(SyscallCounts, CountsAnInterruptedSleep) {
  ASSERT_TRUE(RunIn(cgroup_, [] {
    const itimerval every = {{0, 20'000}, {0, 20'000}};
    if (!Handle(SIGALRM) || setitimer(ITIMER_REAL, &every, nullptr) != 0) return false;
    const timespec long_time = {600, 0};
    return syscall(SYS_nanosleep, &long_time, nullptr) == -1 && errno == EINTR;
  }));
  const Row row = ReadRow(SYS_nanosleep);
  EXPECT_EQ(row.counters.calls, 1u);
  EXPECT_EQ(row.counters.interrupted, 1u);
  EXPECT_EQ(row.counters.errors, 0u);
}

#ifdef __x86_64__
// int $0x80 enters with i386 numbers also from a 64-bit program: 20 is getpid there, writev here.
long CompatCall(long nr, long argument = 0) {
  long result = nr;
  asm volatile("int $0x80" : "+a"(result) : "b"(argument) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

TEST_P(SyscallCounts, NumbersCallsOf32BitApart) {
  constexpr long kCompatGetpid = 20;
  constexpr long kCompatClose = 6;
  if (!RunIn(cgroup_, [] { return CompatCall(kCompatGetpid) == getpid(); })) {
    GTEST_SKIP() << "this kernel does not take 32-bit calls (CONFIG_IA32_EMULATION)";
  }
  ASSERT_TRUE(RunIn(cgroup_, [] {
    const pid_t pid = getpid();
    for (int i = 0; i < 49; ++i) {  // and the one above
      if (CompatCall(kCompatGetpid) != pid) return false;
    }
    return static_cast<int>(CompatCall(kCompatClose, -1)) == -EBADF;
  }));
  const Rows rows = ReadRows(*probes_);
  const Row row = RowOf(rows, cgroup_.id(), kCompatGetpid, SyscallAbi::kCompat);
  EXPECT_EQ(row.counters.calls, 50u);
  EXPECT_EQ(row.counters.latency_count, 50u);
  EXPECT_EQ(row.counters.unmatched, 0u);
  EXPECT_EQ(RowOf(rows, cgroup_.id(), kCompatGetpid).counters.calls, 0u);
  EXPECT_EQ(RowOf(rows, cgroup_.id(), kCompatClose, SyscallAbi::kCompat).counters.errors, 1u);
}
#endif

TEST_P(SyscallCounts, PutsAKnownDurationIntoItsBucket) {
  constexpr uint64_t kSleepNs = 50'000'000;
  auto* measured_ns = static_cast<uint64_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(measured_ns, MAP_FAILED);
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    const timespec time = {0, kSleepNs};
    const int64_t start = SystemClock().NowMonoNs();
    if (syscall(SYS_nanosleep, &time, nullptr) != 0) return false;
    *measured_ns = static_cast<uint64_t>(SystemClock().NowMonoNs() - start);
    return true;
  }));
  const Row row = ReadRow(SYS_nanosleep);
  EXPECT_EQ(row.counters.calls, 1u);
  EXPECT_GE(row.counters.time_ns, kSleepNs - 1'000'000);
  EXPECT_LE(row.counters.time_ns, *measured_ns);
  const auto layout = MakeLatencyLayout(row.counters.latency_schema);
  ASSERT_EQ(row.buckets.size(), 1u);
  EXPECT_EQ(row.buckets[0].count, 1u);
  EXPECT_EQ(row.buckets[0].index,
            layout.first_index + static_cast<int32_t>(LatencyBucket(layout, row.counters.time_ns)));
  munmap(measured_ns, 4096);
}

TEST_P(SyscallCounts, PutsInventedNumbersIntoOneRow) {
  ASSERT_TRUE(RunIn(cgroup_, [] {
    for (long nr = 600; nr < 700; ++nr) {
      if (syscall(nr) != -1 || errno != ENOSYS) return false;
    }
    return true;
  }));
  const Row row = ReadRow(SYSCALL_NR_UNKNOWN);
  EXPECT_EQ(row.counters.calls, 100u);
  EXPECT_EQ(row.counters.errors, 100u);
}

}  // namespace
}  // namespace leadline::testing
