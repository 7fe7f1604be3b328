// How returns find their entries: across forks, processors, and calls that are still under way.
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include <gtest/gtest.h>

#include "tests/bpf/syscalls_fixture.h"

namespace leadline::testing {
namespace {

class SyscallMatching : public SyscallsTest {};
LL_BY_EACH_HOOK(SyscallMatching);

// Of a fork's child: programs stay attached as long as anybody has their links.
void CloseLinks() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (!std::filesystem::read_symlink(entry.path(), gone).string().starts_with("anon_inode:bpf")) {
      continue;
    }
    close(std::atoi(entry.path().filename().c_str()));
  }
}

// A process that waits within a readv() until it is let go.
class WaitingReader {
 public:
  explicit WaitingReader(const TestCgroup& cgroup)
      : pipe_made_(pipe2(pipe_fds_, O_CLOEXEC) == 0), process_(cgroup, [this] {
          CloseLinks();
          char byte;
          const iovec vector = {&byte, 1};
          return syscall(SYS_readv, pipe_fds_[0], &vector, 1) == 1;
        }) {
    EXPECT_TRUE(pipe_made_);
    process_.Start();
    while (CurrentCall() != std::to_string(SYS_readv)) sched_yield();
  }
  ~WaitingReader() {
    close(pipe_fds_[0]);
    close(pipe_fds_[1]);
  }
  WaitingReader(const WaitingReader&) = delete;
  WaitingReader& operator=(const WaitingReader&) = delete;

  // True when the call returned what was written.
  bool LetGo() { return write(pipe_fds_[1], "x", 1) == 1 && process_.Wait(); }

 private:
  std::string CurrentCall() const {
    std::ifstream file(fmt::format("/proc/{}/syscall", process_.pid()));
    std::string nr;
    file >> nr;
    return nr;
  }

  int pipe_fds_[2] = {-1, -1};
  const bool pipe_made_;
  CgroupProcess process_;
};

bool ForkThreeTimes() {
  for (int i = 0; i < 3; ++i) {
    const auto child = static_cast<pid_t>(syscall(SYS_fork));
    if (child == 0) _exit(0);
    int status = 0;
    if (waitpid(child, &status, 0) != child) return false;
  }
  return true;
}

TEST_P(SyscallMatching, CountsAForksChildAsUnmatchedAlsoWhereReturnsCount) {
  ASSERT_TRUE(probes_->SetEffort({.times_syscalls = false}).ok());
  ASSERT_TRUE(RunIn(cgroup_, ForkThreeTimes));
  const Row row = ReadRow(SYS_fork);
  EXPECT_EQ(row.counters.calls, 3u);
  EXPECT_EQ(row.counters.latency_count, 0u);
  EXPECT_EQ(row.counters.unmatched, 3u);
}

TEST_P(SyscallMatching, CountsACallOnceThatIsUnderWayWhenLatenciesAreGivenUp) {
  WaitingReader reader(cgroup_);
  ASSERT_TRUE(probes_->SetEffort({.times_syscalls = false}).ok());
  ASSERT_TRUE(reader.LetGo());
  const Row row = ReadRow(SYS_readv);
  EXPECT_EQ(row.counters.calls, 1u);
  EXPECT_EQ(row.counters.latency_count, 1u);
  EXPECT_EQ(row.counters.unmatched, 0u);
}

TEST_P(SyscallMatching, CountsAForksChildAsUnmatched) {
  ASSERT_TRUE(RunIn(cgroup_, ForkThreeTimes));
  const Row row = ReadRow(SYS_fork);
  EXPECT_EQ(row.counters.calls, 3u);
  EXPECT_EQ(row.counters.latency_count, 3u);
  EXPECT_EQ(row.counters.unmatched, 3u);
}

TEST_P(SyscallMatching, CountsTheReturnOfACallFromBeforeTheProbesAsUnmatched) {
  probes_ = nullptr;
  WaitingReader reader(cgroup_);
  Load({});
  ASSERT_TRUE(reader.LetGo());
  const Row row = ReadRow(SYS_readv);
  EXPECT_EQ(row.counters.calls, 0u);
  EXPECT_EQ(row.counters.unmatched, 1u);
  EXPECT_EQ(row.counters.latency_count, 0u);
}

TEST_P(SyscallMatching, ShowsACallThatHasNotReturned) {
  WaitingReader reader(cgroup_);
  Row row = ReadRow(SYS_readv);
  EXPECT_EQ(row.counters.calls, 1u);
  EXPECT_EQ(row.counters.latency_count, 0u);
  ASSERT_TRUE(reader.LetGo());
  row = ReadRow(SYS_readv);
  EXPECT_EQ(row.counters.calls, 1u);
  EXPECT_EQ(row.counters.latency_count, 1u);
}

TEST_P(SyscallMatching, CountsThreadsThatMoveBetweenCpus) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 5000;
  ASSERT_TRUE(RunIn(cgroup_, [] {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return false;
    std::vector<int> cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
    }
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
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
  const Rows rows = ReadRows(*probes_);
  for (const long nr : {kRareCall, static_cast<long>(SYS_sched_setaffinity)}) {
    const Row row = RowOf(rows, cgroup_.id(), nr);
    EXPECT_EQ(row.counters.calls, uint64_t{kThreads} * kCalls) << nr;
    EXPECT_EQ(row.counters.latency_count, uint64_t{kThreads} * kCalls) << nr;
    EXPECT_EQ(row.counters.unmatched, 0u) << nr;
  }
}

TEST_P(SyscallMatching, NeverShowsMoreReturnsThanEntriesNorAFallingCounter) {
  CgroupProcess process(cgroup_, [] {
    std::array<std::thread, 3> threads;
    for (std::thread& thread : threads) {
      thread = std::thread([] {
        for (int i = 0; i < 300'000; ++i) syscall(kRareCall, SCHED_OTHER);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return true;
  });
  process.Start();
  uint64_t calls = 0, returns = 0;
  while (calls < 900'000) {
    const Row row = ReadRow(kRareCall);
    ASSERT_GE(row.counters.calls, row.counters.latency_count);
    ASSERT_GE(row.counters.calls, calls);
    ASSERT_GE(row.counters.latency_count, returns);
    calls = row.counters.calls;
    returns = row.counters.latency_count;
  }
  ASSERT_TRUE(process.Wait());
  EXPECT_EQ(calls, 900'000u);
}

}  // namespace
}  // namespace leadline::testing
