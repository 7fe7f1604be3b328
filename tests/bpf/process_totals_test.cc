// What processes of the test's own have done by class of system call, and their ends.
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "agent/probes/probes.h"
#include "agent/source/processes.h"
#include "common/clock.h"
#include "tests/bpf/probes_fixture.h"

namespace leadline::testing {
namespace {

using agent::probes::ProbeOptions;
using agent::probes::ProcessIdentity;
using agent::probes::ProcessTotals;

constexpr int kCalls = 1000;  // of class process
constexpr int kFailing = 37;  // of class other

void MakeCalls() {
  for (int i = 0; i < kCalls; ++i) syscall(SYS_sched_get_priority_max, SCHED_OTHER);
  for (int i = 0; i < kFailing; ++i) syscall(SYS_timer_delete, 12345);
}

// A child that does one thing at a word from the test, says that it did, and ends at another word.
class Child {
 public:
  explicit Child(void (*body)()) {
    EXPECT_EQ(pipe(to_child_), 0);
    EXPECT_EQ(pipe(to_test_), 0);
    pid_ = fork();
    if (pid_ == 0) {
      Say(to_test_);
      Hear(to_child_);
      body();
      Say(to_test_);
      Hear(to_child_);
      _exit(0);
    }
    Hear(to_test_);
    agent::source::FileReader reader;
    const auto stat = agent::source::ReadProcessStat(pid_, reader);
    EXPECT_TRUE(stat.ok());
    if (stat.ok()) identity_ = {pid_, stat->start_ticks};
  }
  ~Child() {
    for (const int fd : {to_child_[0], to_child_[1], to_test_[0], to_test_[1]}) close(fd);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void Work() {
    Say(to_child_);
    Hear(to_test_);
  }
  void End() {
    Say(to_child_);
    EXPECT_EQ(waitpid(pid_, nullptr, 0), pid_);
  }
  // Of a body that does not return.
  void WorkToTheEnd() { End(); }
  pid_t pid() const { return pid_; }
  const ProcessIdentity& identity() const { return identity_; }

 private:
  static void Say(const int (&pipe)[2]) { EXPECT_EQ(write(pipe[1], "x", 1), 1); }
  static void Hear(const int (&pipe)[2]) {
    char byte = 0;
    EXPECT_EQ(read(pipe[0], &byte, 1), 1);
  }

  int to_child_[2] = {};
  int to_test_[2] = {};
  pid_t pid_ = -1;
  ProcessIdentity identity_;
};

// The parameter is the kind of hook to avoid.
class ProcessTotalsOf : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { Load({}); }

  void Load(ProbeOptions options) {
    probes_ = nullptr;
    options.avoid_hooks = {GetParam()};
    probes_ = LoadProbes(options);
    ASSERT_NE(probes_, nullptr);
    totals_ = probes_->process_totals();
    ASSERT_NE(totals_, nullptr);
  }

  ProcessTotals Read(const ProcessIdentity& process) {
    EXPECT_TRUE(totals_->Read().ok());
    const ProcessTotals* found = totals_->Find(process);
    return found == nullptr ? ProcessTotals{} : *found;
  }

  static void ExpectCalls(const ProcessTotals& before, const ProcessTotals& after, int times) {
    const auto grown = [&](syscall_class id, uint64_t ProcessTotals::Class::*count) {
      return after.classes[id].*count - before.classes[id].*count;
    };
    EXPECT_EQ(grown(SYSCALL_CLASS_PROCESS, &ProcessTotals::Class::calls), kCalls * times);
    EXPECT_EQ(grown(SYSCALL_CLASS_PROCESS, &ProcessTotals::Class::errors), 0);
    EXPECT_EQ(grown(SYSCALL_CLASS_OTHER, &ProcessTotals::Class::calls), kFailing * times);
    EXPECT_EQ(grown(SYSCALL_CLASS_OTHER, &ProcessTotals::Class::errors), kFailing * times);
    EXPECT_GT(grown(SYSCALL_CLASS_PROCESS, &ProcessTotals::Class::time_ns), 0);
  }

  std::unique_ptr<agent::probes::Probes> probes_;
  agent::probes::ProcessTotalsSource* totals_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Hooks, ProcessTotalsOf, ::testing::Values("raw_tp/", "tp_btf/"),
                         [](const auto& test) {
                           return std::string_view(test.param) == "raw_tp/" ? "TpBtf" : "RawTp";
                         });

TEST_P(ProcessTotalsOf, AProcessThatLives) {
  Child child(MakeCalls);
  const ProcessTotals before = Read(child.identity());
  child.Work();
  const ProcessTotals after = Read(child.identity());
  ExpectCalls(before, after, 1);
  EXPECT_EQ(after.end_mono_ns, 0);
  child.End();
}

TEST_P(ProcessTotalsOf, AProcessWhoseCallsAreNotTimed) {
  // Before the fork: programs stay attached as long as anybody has their links.
  ASSERT_TRUE(probes_->SetEffort({.times_syscalls = false}).ok());
  Child child(MakeCalls);
  const ProcessTotals before = Read(child.identity());
  child.Work();
  const ProcessTotals after = Read(child.identity());
  const auto& calls = after.classes[SYSCALL_CLASS_PROCESS];
  EXPECT_EQ(calls.calls - before.classes[SYSCALL_CLASS_PROCESS].calls, kCalls);
  EXPECT_EQ(calls.time_ns, before.classes[SYSCALL_CLASS_PROCESS].time_ns);
  EXPECT_EQ(after.classes[SYSCALL_CLASS_OTHER].errors - before.classes[SYSCALL_CLASS_OTHER].errors,
            kFailing);
  child.End();
}

// Its last call, and all else that it did after the last reading.
TEST_P(ProcessTotalsOf, AProcessThatEndsBetweenTwoReadings) {
  Child child(MakeCalls);
  ASSERT_TRUE(totals_->Track(child.identity()));
  const ProcessTotals before = Read(child.identity());
  const int64_t started_ns = SystemClock().NowMonoNs();
  child.Work();
  child.End();
  const auto last = totals_->TakeEnded(child.identity());
  ASSERT_TRUE(last.has_value());
  // It ends by exit_group, which is of class process too.
  ProcessTotals without_exit = *last;
  --without_exit.classes[SYSCALL_CLASS_PROCESS].calls;
  ExpectCalls(before, without_exit, 1);
  EXPECT_GE(last->end_mono_ns, started_ns);
  EXPECT_LE(last->end_mono_ns, SystemClock().NowMonoNs());
  EXPECT_FALSE(totals_->TakeEnded(child.identity()).has_value()) << "it is taken once";
}

TEST_P(ProcessTotalsOf, NobodyAskedFor) {
  Child child([] { std::thread(MakeCalls).join(); });
  child.Work();
  EXPECT_NE(Read(child.identity()).classes[SYSCALL_CLASS_PROCESS].calls, 0);
  child.End();
  EXPECT_EQ(Read(child.identity()).classes[SYSCALL_CLASS_PROCESS].calls, 0);
  EXPECT_FALSE(totals_->TakeEnded(child.identity()).has_value());
}

TEST_P(ProcessTotalsOf, ThreadsThatHaveEnded) {
  static constexpr int kThreads = 7;
  Child child([] {
    std::vector<std::thread> threads(kThreads);
    for (std::thread& thread : threads) thread = std::thread(MakeCalls);
    for (std::thread& thread : threads) thread.join();
  });
  ASSERT_TRUE(totals_->Track(child.identity()));
  const ProcessTotals before = Read(child.identity());
  child.Work();
  const ProcessTotals after = Read(child.identity());
  // Threads also make calls of their own, to begin and to end.
  EXPECT_GE(
      after.classes[SYSCALL_CLASS_PROCESS].calls - before.classes[SYSCALL_CLASS_PROCESS].calls,
      kThreads * kCalls);
  EXPECT_EQ(after.classes[SYSCALL_CLASS_OTHER].errors - before.classes[SYSCALL_CLASS_OTHER].errors,
            kThreads * kFailing);
  child.End();
  const auto last = totals_->TakeEnded(child.identity());
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->classes[SYSCALL_CLASS_OTHER].errors, after.classes[SYSCALL_CLASS_OTHER].errors);
  EXPECT_GT(last->run_delay_ns + last->cpu_ns, 0u);
  EXPECT_EQ(LossOf(*probes_, "process_totals_no_row"), 0u);
}

// The kernel gives it the main thread's id.
TEST_P(ProcessTotalsOf, AThreadThatExecutesAProgram) {
  Child child([] {
    std::thread([] {
      MakeCalls();
      execl(LL_PROCESS_WORK, LL_PROCESS_WORK, "group", "0", "0", nullptr);
    }).join();
  });
  ASSERT_TRUE(totals_->Track(child.identity()));
  const ProcessTotals before = Read(child.identity());
  // process_work ends by itself.
  child.WorkToTheEnd();
  const auto last = totals_->TakeEnded(child.identity());
  ASSERT_TRUE(last.has_value());
  EXPECT_GE(
      last->classes[SYSCALL_CLASS_PROCESS].calls - before.classes[SYSCALL_CLASS_PROCESS].calls,
      kCalls);
  EXPECT_EQ(last->classes[SYSCALL_CLASS_OTHER].errors - before.classes[SYSCALL_CLASS_OTHER].errors,
            kFailing);
}

// A thread whose id is the same in the lower bits takes the slot over; nothing is lost.
TEST_P(ProcessTotalsOf, MoreThreadsThanSlots) {
  constexpr uint32_t kSlots = 64;
  Load({.thread_slots = kSlots});
  Child child(MakeCalls);
  ASSERT_TRUE(totals_->Track(child.identity()));
  const ProcessTotals before = Read(child.identity());
  child.Work();
  bool taken = false;
  // Others take ids too: not each 64th is ours.
  for (uint32_t i = 0; i < 64 * kSlots && !taken; ++i) {
    const pid_t other = fork();
    if (other == 0) {
      MakeCalls();
      _exit(0);
    }
    ASSERT_EQ(waitpid(other, nullptr, 0), other);
    taken = static_cast<uint32_t>(other) % kSlots == static_cast<uint32_t>(child.pid()) % kSlots;
  }
  EXPECT_TRUE(taken);
  ExpectCalls(before, Read(child.identity()), 1);
  child.End();
}

}  // namespace
}  // namespace leadline::testing
