// Processes of the test's own, which it counts itself: execs, ends with code or signal, OOM kills.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/probes/probes.h"
#include "tests/bpf/cgroup_fixture.h"
#include "tests/bpf/probes_fixture.h"

namespace leadline::testing {
namespace {

using agent::probes::ProbeOptions;
using agent::probes::ProcessCounters;
using Event = ProcessCounters::Event;

constexpr char kWork[] = LL_PROCESS_WORK;  // see process_work.c
constexpr char kWorkCommand[] = "process_work";
constexpr char kOwnCommand[] = "bpf_test_child";

using Key = std::tuple<std::string, Event, uint32_t>;  // command, event, status
struct Value {
  uint64_t count = 0;
  uint64_t cpu_ns = 0;
  bool last = false;
};
using Counts = std::map<Key, uint64_t>;

// What the processes of the test wrote down about themselves, shared with them.
class Ledger {
 public:
  Ledger()
      : statuses_(static_cast<uint32_t*>(
            mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Ledger() { munmap(statuses_, kBytes); }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Runs `body` in a new process, which ends with what it returns, and notes how it ended.
  template <typename Body>
  bool Fork(Body body) {
    const pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_NAME, kOwnCommand);
      _exit(body());
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid) return false;
    ++statuses_[status & kStatusMask];
    return true;
  }

  bool Run(std::vector<std::string> arguments) {
    return Fork([&] {
      const rlimit no_core = {};
      setrlimit(RLIMIT_CORE, &no_core);
      std::vector<char*> argv;
      arguments.insert(arguments.begin(), kWork);
      argv.reserve(arguments.size() + 1);
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      execv(kWork, argv.data());
      return 127;
    });
  }

  // Ends of `command`, by how.
  Counts Ends(const std::string& command) const {
    Counts ends;
    for (uint32_t status = 0; status <= kStatusMask; ++status) {
      if (statuses_[status] != 0) ends[{command, Event::kExit, status}] = statuses_[status];
    }
    return ends;
  }

 private:
  static constexpr uint32_t kStatusMask = 0xff7f;  // without "core dumped"
  static constexpr size_t kBytes = (kStatusMask + 1) * sizeof(uint32_t);
  uint32_t* const statuses_;
};

// The parameter is what to avoid, so that one of the ways remains.
struct Way {
  const char* name;
  std::vector<std::string> avoid;
};

class ProcessEvents : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override { Load({}); }

  void Load(ProbeOptions options) {
    probes_ = nullptr;
    options.avoid_hooks = GetParam().avoid;
    probes_ = LoadProbes(options);
    ASSERT_NE(probes_, nullptr);
  }

  std::map<Key, Value> ReadValues(uint64_t cgroup) {
    std::map<Key, Value> values;
    const absl::Status read = probes_->ReadProcesses([&](const ProcessCounters& row) {
      if (row.cgroup_id != cgroup) return;
      const Key key(std::string(row.command), row.event, row.status);
      EXPECT_TRUE(values.emplace(key, Value{row.count, row.cpu_ns, row.last}).second)
          << "two rows of " << row.command;
    });
    EXPECT_TRUE(read.ok()) << std::string(read.message());
    return values;
  }

  // Of this test's cgroup, without the process in it that started the others.
  Counts ReadCounts() {
    Counts counts;
    for (const auto& [key, value] : ReadValues(cgroup_.id())) counts[key] = value.count;
    return counts;
  }

  uint64_t LossOf(std::string_view reason) const {
    return leadline::testing::LossOf(*probes_, reason);
  }

  // Runs `body` within the cgroup; it has ended when this returns, and its end is counted too.
  bool RunStarter(std::function<bool()> body) {
    return RunIn(cgroup_, [&] {
      prctl(PR_SET_NAME, kStarter);
      return body();
    });
  }

  static constexpr char kStarter[] = "starter";
  const Key starter_end_{kStarter, Event::kExit, 0};

  TestCgroup cgroup_;
  Ledger ledger_;
  std::unique_ptr<agent::probes::Probes> probes_;
};

INSTANTIATE_TEST_SUITE_P(
    Ways, ProcessEvents,
    ::testing::Values(Way{"TpBtfGroupDead", {}}, Way{"TpBtf", {"process_exit_group_btf"}},
                      Way{"RawTp", {"tp_btf/sched_process_", "tp_btf/mark_victim"}}),
    [](const auto& test) { return test.param.name; });

TEST_P(ProcessEvents, CountsExecsAndEndsWithCodeOrSignal) {
  ASSERT_TRUE(RunStarter([&] {
    bool ran = true;
    for (int i = 0; i < 60; ++i) ran = ran && ledger_.Run({"exit", std::to_string(i % 6)});
    for (const int signal : {SIGTERM, SIGKILL, SIGSEGV, SIGRTMIN, SIGTERM}) {
      ran = ran && ledger_.Run({"kill", std::to_string(signal)});
    }
    return ran;
  }));
  Counts expected = ledger_.Ends(kWorkCommand);
  EXPECT_EQ((expected[{kWorkCommand, Event::kExit, SIGTERM}]), 2u);
  EXPECT_EQ((expected[{kWorkCommand, Event::kExit, 5 << 8}]), 10u);
  expected[{kWorkCommand, Event::kExec, 0}] = 65;
  expected[starter_end_] = 1;
  EXPECT_EQ(ReadCounts(), expected);
}

// Threads that end at the same moment: the end of their process is one.
TEST_P(ProcessEvents, CountsAProcessOfManyThreadsOnce) {
  constexpr int kRuns = 200;
  ASSERT_TRUE(RunStarter([&] {
    bool ran = true;
    for (int i = 0; i < kRuns; ++i) {
      ran = ran && ledger_.Run({"threads", std::to_string(1 + i % 4)});
    }
    return ran;
  }));
  Counts expected = ledger_.Ends(kWorkCommand);
  expected[{kWorkCommand, Event::kExec, 0}] = kRuns;
  expected[starter_end_] = 1;
  EXPECT_EQ(ReadCounts(), expected);
}

TEST_P(ProcessEvents, GivesTheStatusOfTheProcessNotOfAThread) {
  ASSERT_TRUE(RunStarter([&] {
    return ledger_.Run({"group", "5", "21"}) && ledger_.Run({"leader", "22"}) &&
           ledger_.Run({"exec", kWork, "exit", "23"}) && ledger_.Run({"exec", kWork, "kill", "15"});
  }));
  Counts expected = ledger_.Ends(kWorkCommand);
  EXPECT_EQ((expected[{kWorkCommand, Event::kExit, 21 << 8}]), 1u);
  EXPECT_EQ((expected[{kWorkCommand, Event::kExit, 23 << 8}]), 1u);
  expected[{kWorkCommand, Event::kExec, 0}] = 6;
  expected[starter_end_] = 1;
  EXPECT_EQ(ReadCounts(), expected);
}

TEST_P(ProcessEvents, LosesNoneOfManyQuickForks) {
  constexpr int kForks = 2000;
  ASSERT_TRUE(RunStarter([&] {
    bool ran = true;
    for (int i = 0; i < kForks; ++i) ran = ran && ledger_.Fork([&] { return i & 7; });
    return ran;
  }));
  Counts expected = ledger_.Ends(kOwnCommand);
  expected[starter_end_] = 1;
  EXPECT_EQ(ReadCounts(), expected);
}

TEST_P(ProcessEvents, AVforkIsAProcessOfItsOwn) {
  ASSERT_TRUE(RunStarter([] {
    const pid_t pid = vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
    if (pid == 0) {
      execl(kWork, kWork, "exit", "3", nullptr);
      _exit(127);
    }
    int status = 0;
    return waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3;
  }));
  EXPECT_EQ(ReadCounts(), (Counts{{{kWorkCommand, Event::kExec, 0}, 1},
                                  {{kWorkCommand, Event::kExit, 3 << 8}, 1},
                                  {starter_end_, 1}}));
}

// All but what the last thread used since the timer's last tick.
TEST_P(ProcessEvents, AddsUpTheCpuTimeOfAllThreads) {
  constexpr uint64_t kThreads = 3, kEachNs = 200'000'000, kTickNs = 10'000'000;
  ASSERT_TRUE(RunStarter([&] { return ledger_.Run({"burn", "3", "200"}); }));
  const uint64_t cpu_ns = ReadValues(cgroup_.id())[{kWorkCommand, Event::kExit, 0}].cpu_ns;
  EXPECT_GT(cpu_ns, kThreads * kEachNs - kTickNs);
  EXPECT_LT(cpu_ns, kThreads * kEachNs * 110 / 100);
}

TEST_P(ProcessEvents, KeepsTheTotalWhenTheTableIsFull) {
  constexpr uint64_t kCommands = 560, kRows = 512;
  // A quarter for a cgroup and event; the machine needs some too.
  Load({.process_rows = 4 * kRows});
  ASSERT_TRUE(RunStarter([&] {
    bool ran = true;
    for (uint64_t i = 0; i < kCommands; ++i) {
      ran = ran && ledger_.Fork([&] { return prctl(PR_SET_NAME, fmt::format("c{}", i).c_str()); });
    }
    return ran;
  }));
  uint64_t total = 0, other = 0, rows = 0;
  for (const auto& [key, count] : ReadCounts()) {
    total += count;
    ++rows;
    if (std::get<0>(key) == PROCESS_COMMAND_OTHER) other = count;
  }
  EXPECT_EQ(total, kCommands + 1);
  EXPECT_LE(rows, kRows + 1);
  EXPECT_GE(other, kCommands + 1 - kRows);
  EXPECT_GE(LossOf("process_row_cgroup_other") + LossOf("process_row_global_other"), other);
  EXPECT_EQ(LossOf("process_event_uncounted"), 0u);
}

TEST_P(ProcessEvents, GivesUpTheRowsOfACgroupThatHasEnded) {
  ASSERT_TRUE(RunStarter([&] { return ledger_.Run({"exit", "0"}); }));
  EXPECT_EQ(ReadValues(cgroup_.id()).size(), 3u);
  probes_->Forget(cgroup_.id());
  const auto values = ReadValues(cgroup_.id());
  EXPECT_EQ(values.size(), 3u);
  for (const auto& [key, value] : values) EXPECT_TRUE(value.last);
  EXPECT_TRUE(ReadValues(cgroup_.id()).empty());
}

// "" where the machine has no memory controller to limit by.
std::string MemoryHierarchy() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device, directory, type, options, rest;
  while (mounts >> device >> directory >> type >> options && std::getline(mounts, rest)) {
    if (type == "cgroup" && options.find("memory") != std::string::npos) return directory;
  }
  return "";
}

TEST_P(ProcessEvents, CountsAVictimOfTheOomKillerOnce) {
  const std::string hierarchy = MemoryHierarchy();
  if (hierarchy.empty()) GTEST_SKIP() << "needs the v1 memory controller";
  constexpr int kVictims = 3;
  TestCgroup memory(hierarchy);
  std::ofstream(memory.directory() + "/memory.limit_in_bytes") << (8 << 20);
  ASSERT_TRUE(RunStarter([&] {
    bool ran = true;
    for (int i = 0; i < kVictims; ++i) {
      ran = ran && ledger_.Fork([&] {
        std::ofstream procs(memory.directory() + "/cgroup.procs");
        procs << getpid() << std::flush;
        if (!procs) return 126;
        procs.close();
        execl(kWork, kWork, "eat", "64", nullptr);
        return 127;
      });
    }
    return ran;
  }));
  EXPECT_EQ(ReadCounts(), (Counts{{{kWorkCommand, Event::kExec, 0}, kVictims},
                                  {{kWorkCommand, Event::kExit, SIGKILL}, kVictims},
                                  {{kWorkCommand, Event::kOomKill, 0}, kVictims},
                                  {starter_end_, 1}}));
}

}  // namespace
}  // namespace leadline::testing
