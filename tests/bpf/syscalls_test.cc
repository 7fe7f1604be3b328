// System calls that the test makes itself, counted by the real programs in the real kernel.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <numeric>
#include <string>
#include <thread>

#include "fmt/format.h"
#include <gtest/gtest.h>

#include "agent/probes/latency_layout.h"
#include "agent/probes/probes.h"
#include "common/clock.h"
#include "tests/bpf/cgroup_fixture.h"
#include "tests/bpf/probes_fixture.h"

namespace leadline::testing {
namespace {

using agent::probes::HistogramBucket;
using agent::probes::LatencyBucket;
using agent::probes::MakeLatencyLayout;
using agent::probes::ProbeOptions;
using agent::probes::SyscallAbi;

// Calls that neither the C library nor a sanitizer's runtime makes by itself.
constexpr long kRareCall = SYS_sched_get_priority_max;
constexpr long kRareFailingCall = SYS_timer_delete;

// Every test by each way to set the probes: the parameter is the kind of hook to avoid.
class Syscalls : public ::testing::TestWithParam<const char*> {
 protected:
  static ProbeOptions Options() { return {.avoid_hooks = {GetParam()}}; }
};

INSTANTIATE_TEST_SUITE_P(Hooks, Syscalls, ::testing::Values("raw_tp/", "tp_btf/"),
                         [](const auto& test) {
                           return std::string(test.param) == "raw_tp/" ? "TpBtf" : "RawTp";
                         });

void ExpectAddsUp(const Row& row) {
  const uint64_t sum =
      std::accumulate(row.buckets.begin(), row.buckets.end(), uint64_t{0},
                      [](uint64_t total, const HistogramBucket& b) { return total + b.count; });
  EXPECT_EQ(sum, row.counters.latency_count);
}

TEST_P(Syscalls, CountsCallsExactly) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  ASSERT_TRUE(RunIn(cgroup, [] {
    for (int i = 0; i < 1000; ++i) syscall(kRareCall, SCHED_OTHER);
    return true;
  }));
  const Row row = RowOf(ReadRows(*probes), cgroup.id(), kRareCall);
  EXPECT_EQ(row.counters.calls, 1000u);
  EXPECT_EQ(row.counters.latency_count, 1000u);
  EXPECT_EQ(row.counters.errors, 0u);
  EXPECT_EQ(row.counters.interrupted, 0u);
  EXPECT_EQ(row.counters.unmatched, 0u);
  EXPECT_GT(row.counters.time_ns, 0u);
  ExpectAddsUp(row);
}

TEST_P(Syscalls, CountsErrorsApart) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  ASSERT_TRUE(RunIn(cgroup, [] {
    for (int i = 0; i < 37; ++i) {
      if (syscall(kRareFailingCall, 12345) != -1 || errno != EINVAL) return false;
    }
    return true;
  }));
  const Row row = RowOf(ReadRows(*probes), cgroup.id(), kRareFailingCall);
  EXPECT_EQ(row.counters.calls, 37u);
  EXPECT_EQ(row.counters.errors, 37u);
  EXPECT_EQ(row.counters.latency_count, 37u);
}

// Addresses are results too, and their lower halves may look negative.
TEST_P(Syscalls, TakesLargeResultsForWhatTheyAre) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  ASSERT_TRUE(RunIn(cgroup, [] {
    void* memory = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 10; ++i) {
      if (syscall(SYS_mremap, memory, 4096, 4096, 0) != reinterpret_cast<long>(memory))
        return false;
    }
    return true;
  }));
  const Row row = RowOf(ReadRows(*probes), cgroup.id(), SYS_mremap);
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
TEST_P(Syscalls, CountsInterruptedCallsApartFromErrors) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  ASSERT_TRUE(RunIn(cgroup, [] {
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
  const Rows rows = ReadRows(*probes);
  const Row row = RowOf(rows, cgroup.id(), SYS_rt_sigsuspend);
  EXPECT_EQ(row.counters.calls, 5u);
  EXPECT_EQ(row.counters.interrupted, 5u);
  EXPECT_EQ(row.counters.errors, 0u);
  EXPECT_EQ(row.counters.latency_count, 5u);

  // Each handler returned through rt_sigreturn, whose number is gone when it "returns".
  const Row sigreturn = RowOf(rows, cgroup.id(), SYS_rt_sigreturn);
  EXPECT_EQ(sigreturn.counters.calls, 5u);
  EXPECT_EQ(sigreturn.counters.unmatched, 5u);
  EXPECT_EQ(sigreturn.counters.latency_count, 0u);
}

// nanosleep returns -ERESTART_RESTARTBLOCK (-516). The timer goes on until one hits it.
TEST_P(Syscalls, CountsAnInterruptedSleep) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  ASSERT_TRUE(RunIn(cgroup, [] {
    const itimerval every = {{0, 20'000}, {0, 20'000}};
    if (!Handle(SIGALRM) || setitimer(ITIMER_REAL, &every, nullptr) != 0) return false;
    const timespec long_time = {600, 0};
    return syscall(SYS_nanosleep, &long_time, nullptr) == -1 && errno == EINTR;
  }));
  const Row row = RowOf(ReadRows(*probes), cgroup.id(), SYS_nanosleep);
  EXPECT_EQ(row.counters.calls, 1u);
  EXPECT_EQ(row.counters.interrupted, 1u);
  EXPECT_EQ(row.counters.errors, 0u);
}

TEST_P(Syscalls, CountsAForksChildAsUnmatched) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  ASSERT_TRUE(RunIn(cgroup, [] {
    for (int i = 0; i < 3; ++i) {
      const auto child = static_cast<pid_t>(syscall(SYS_fork));
      if (child == 0) _exit(0);
      int status = 0;
      if (waitpid(child, &status, 0) != child) return false;
    }
    return true;
  }));
  const Row row = RowOf(ReadRows(*probes), cgroup.id(), SYS_fork);
  EXPECT_EQ(row.counters.calls, 3u);
  EXPECT_EQ(row.counters.latency_count, 3u);
  EXPECT_EQ(row.counters.unmatched, 3u);
}

std::string CurrentCall(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/syscall", pid));
  std::string nr;
  file >> nr;
  return nr;
}

TEST_P(Syscalls, CountsTheReturnOfACallFromBeforeTheProbesAsUnmatched) {
  TestCgroup cgroup;
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  CgroupProcess process(cgroup, [&] {
    char byte;
    const iovec vector = {&byte, 1};
    return syscall(SYS_readv, pipe_fds[0], &vector, 1) == 1;
  });
  process.Start();
  while (CurrentCall(process.pid()) != std::to_string(SYS_readv)) sched_yield();
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  ASSERT_EQ(write(pipe_fds[1], "x", 1), 1);
  ASSERT_TRUE(process.Wait());
  const Row row = RowOf(ReadRows(*probes), cgroup.id(), SYS_readv);
  EXPECT_EQ(row.counters.calls, 0u);
  EXPECT_EQ(row.counters.unmatched, 1u);
  EXPECT_EQ(row.counters.latency_count, 0u);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

TEST_P(Syscalls, ShowsACallThatHasNotReturned) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  int pipe_fds[2];
  ASSERT_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
  CgroupProcess process(cgroup, [&] {
    char byte;
    const iovec vector = {&byte, 1};
    return syscall(SYS_readv, pipe_fds[0], &vector, 1) == 1;
  });
  process.Start();
  while (CurrentCall(process.pid()) != std::to_string(SYS_readv)) sched_yield();
  Row row = RowOf(ReadRows(*probes), cgroup.id(), SYS_readv);
  EXPECT_EQ(row.counters.calls, 1u);
  EXPECT_EQ(row.counters.latency_count, 0u);
  ASSERT_EQ(write(pipe_fds[1], "x", 1), 1);
  ASSERT_TRUE(process.Wait());
  row = RowOf(ReadRows(*probes), cgroup.id(), SYS_readv);
  EXPECT_EQ(row.counters.calls, 1u);
  EXPECT_EQ(row.counters.latency_count, 1u);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

#ifdef __x86_64__
// int $0x80 enters with i386 numbers also from a 64-bit program: 20 is getpid there, writev here.
long CompatCall(long nr, long argument = 0) {
  long result = nr;
  asm volatile("int $0x80" : "+a"(result) : "b"(argument) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

TEST_P(Syscalls, NumbersCallsOf32BitApart) {
  constexpr long kCompatGetpid = 20;
  constexpr long kCompatClose = 6;
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  ASSERT_TRUE(RunIn(cgroup, [] {
    const pid_t pid = getpid();
    for (int i = 0; i < 50; ++i) {
      if (CompatCall(kCompatGetpid) != pid) return false;
    }
    if (static_cast<int>(CompatCall(kCompatClose, -1)) != -EBADF) return false;
    return true;
  })) << "this kernel does not take 32-bit calls (CONFIG_IA32_EMULATION)";
  const Rows rows = ReadRows(*probes);
  const Row row = RowOf(rows, cgroup.id(), kCompatGetpid, SyscallAbi::kCompat);
  EXPECT_EQ(row.counters.calls, 50u);
  EXPECT_EQ(row.counters.latency_count, 50u);
  EXPECT_EQ(row.counters.unmatched, 0u);
  EXPECT_EQ(RowOf(rows, cgroup.id(), kCompatGetpid).counters.calls, 0u);
  EXPECT_EQ(RowOf(rows, cgroup.id(), kCompatClose, SyscallAbi::kCompat).counters.errors, 1u);
}
#endif

TEST_P(Syscalls, PutsAKnownDurationIntoItsBucket) {
  constexpr uint64_t kSleepNs = 50'000'000;
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  auto* measured_ns = static_cast<uint64_t*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(measured_ns, MAP_FAILED);
  ASSERT_TRUE(RunIn(cgroup, [&] {
    const timespec time = {0, kSleepNs};
    const int64_t start = SystemClock().NowMonoNs();
    if (syscall(SYS_nanosleep, &time, nullptr) != 0) return false;
    *measured_ns = static_cast<uint64_t>(SystemClock().NowMonoNs() - start);
    return true;
  }));
  const Row row = RowOf(ReadRows(*probes), cgroup.id(), SYS_nanosleep);
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

TEST_P(Syscalls, CountsThreadsThatMoveBetweenCpus) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 5000;
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  ASSERT_TRUE(RunIn(cgroup, [] {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return false;
    std::vector<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
    }
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kCalls; ++i) {
          cpu_set_t one;
          CPU_ZERO(&one);
          CPU_SET(cpus[static_cast<size_t>(i + t) % cpus.size()], &one);
          // Moves the thread while it is in the call.
          sched_setaffinity(0, sizeof(one), &one);
          syscall(kRareCall, SCHED_OTHER);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return true;
  }));
  const Rows rows = ReadRows(*probes);
  for (const long nr : {kRareCall, static_cast<long>(SYS_sched_setaffinity)}) {
    const Row row = RowOf(rows, cgroup.id(), nr);
    EXPECT_EQ(row.counters.calls, uint64_t{kThreads} * kCalls) << nr;
    EXPECT_EQ(row.counters.latency_count, uint64_t{kThreads} * kCalls) << nr;
    EXPECT_EQ(row.counters.unmatched, 0u) << nr;
  }
}

TEST_P(Syscalls, NeverShowsMoreReturnsThanEntriesNorAFallingCounter) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  CgroupProcess process(cgroup, [] {
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 300'000; ++i) syscall(kRareCall, SCHED_OTHER);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return true;
  });
  process.Start();
  uint64_t calls = 0, returns = 0;
  while (calls < 900'000) {
    const Row row = RowOf(ReadRows(*probes), cgroup.id(), kRareCall);
    ASSERT_GE(row.counters.calls, row.counters.latency_count);
    ASSERT_GE(row.counters.calls, calls);
    ASSERT_GE(row.counters.latency_count, returns);
    calls = row.counters.calls;
    returns = row.counters.latency_count;
  }
  ASSERT_TRUE(process.Wait());
  EXPECT_EQ(calls, 900'000u);
}

TEST_P(Syscalls, PutsInventedNumbersIntoOneRow) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  ASSERT_TRUE(RunIn(cgroup, [] {
    for (long nr = 600; nr < 700; ++nr) {
      if (syscall(nr) != -1 || errno != ENOSYS) return false;
    }
    return true;
  }));
  const Row row = RowOf(ReadRows(*probes), cgroup.id(), SYSCALL_NR_UNKNOWN);
  EXPECT_EQ(row.counters.calls, 100u);
  EXPECT_EQ(row.counters.errors, 100u);
}

uint64_t LossOf(const agent::probes::Probes& probes, std::string_view reason) {
  const auto losses = probes.Losses();
  if (!losses.ok()) ADD_FAILURE() << std::string(losses.status().message());
  for (const auto& loss : *losses) {
    if (loss.reason == reason) return loss.count;
  }
  ADD_FAILURE() << "no loss counter " << reason;
  return 0;
}

// More keys than rows: what has no row of its own is in the cgroup's ~other or in the machine's,
// and the total stays what the process did.
TEST_P(Syscalls, FeedsOtherWhenTheTableIsFull) {
  constexpr long kFirst = 470, kLast = SYSCALL_NR_LIMIT - 1;  // no calls of these numbers, yet
  constexpr int kRepeats = 10;
  ProbeOptions options = Options();
  options.syscall_rows = 16;
  auto probes = LoadProbes(options);
  ASSERT_NE(probes, nullptr);
  ASSERT_EQ(probes->report().syscall_rows, 16u);
  TestCgroup cgroup;
  const Row before = RowOf(ReadRows(*probes), 0, SYSCALL_NR_OTHER);
  ASSERT_TRUE(RunIn(cgroup, [] {
    for (int i = 0; i < kRepeats; ++i) {
      for (long nr = kFirst; nr <= kLast; ++nr) syscall(nr);
    }
    return true;
  }));
  const Rows rows = ReadRows(*probes);
  uint64_t own = 0, own_returns = 0;
  for (const auto& [key, row] : rows) {
    EXPECT_GE(row.counters.calls, row.counters.latency_count);
    if (std::get<0>(key) != cgroup.id()) continue;
    own += row.counters.calls;
    own_returns += row.counters.latency_count;
  }
  const Row machine = RowOf(rows, 0, SYSCALL_NR_OTHER);
  const uint64_t made = uint64_t{kRepeats} * (kLast - kFirst + 1);
  EXPECT_GE(own + machine.counters.calls - before.counters.calls, made);
  EXPECT_GE(own_returns + machine.counters.latency_count - before.counters.latency_count, made);

  uint64_t in_others = 0;  // each of these calls is a loss, as are some returns
  for (const auto& [key, row] : rows) {
    if (std::get<1>(key) == SYSCALL_NR_OTHER && std::get<0>(key) != 0) {
      in_others += row.counters.calls;
    }
  }
  EXPECT_GE(LossOf(*probes, "syscall_row_cgroup_other"), in_others);
  EXPECT_GE(LossOf(*probes, "syscall_row_global_other"), machine.counters.calls);
  EXPECT_GT(in_others + machine.counters.calls, 0u);
}

TEST_P(Syscalls, GivesUpTheRowsOfAnEndedCgroupAfterShowingThemALastTime) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  TestCgroup cgroup;
  const uint64_t id = cgroup.id();
  ASSERT_TRUE(RunIn(cgroup, [] { return syscall(kRareCall, SCHED_OTHER) >= 0; }));
  EXPECT_FALSE(RowOf(ReadRows(*probes), id, kRareCall).counters.last);
  ASSERT_TRUE(cgroup.Remove());
  probes->Forget(id);
  const Row last = RowOf(ReadRows(*probes), id, kRareCall);
  EXPECT_TRUE(last.counters.last);
  EXPECT_EQ(last.counters.calls, 1u);
  for (int i = 0; i < 2; ++i) {
    for (const auto& [key, row] : ReadRows(*probes)) EXPECT_NE(std::get<0>(key), id);
  }
}

// A table that only has room for one cgroup's calls at a time serves many, one after the other.
TEST_P(Syscalls, ReusesFreedRows) {
  auto probes = LoadProbes(Options());
  ASSERT_NE(probes, nullptr);
  for (int i = 0; i < 50; ++i) {
    TestCgroup cgroup;
    ASSERT_TRUE(RunIn(cgroup, [] {
      for (long nr = 470; nr < 470 + 40; ++nr) syscall(nr);
      return true;
    }));
    const Rows rows = ReadRows(*probes);
    for (long nr = 470; nr < 470 + 40; ++nr) {
      ASSERT_EQ(RowOf(rows, cgroup.id(), nr).counters.calls, 1u) << "cgroup " << i << " nr " << nr;
    }
    probes->Forget(cgroup.id());
    ReadRows(*probes);
  }
  EXPECT_EQ(LossOf(*probes, "syscall_row_cgroup_other"), 0u);
  EXPECT_EQ(LossOf(*probes, "syscall_row_ended"), 0u);
}

}  // namespace
}  // namespace leadline::testing
