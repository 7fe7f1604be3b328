#include "agent/source/processes.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace leadline::agent::source {
namespace {

// 52 fields as proc(5) numbers them, the command given.
std::string StatLine(const std::string& command, const std::string& resident = "25") {
  return "42 (" + command + ") S 1 42 42 0 -1 4194304 1 2 3 4 150 50 0 0 20 0 7 0 123456 1000000 " +
         resident +
         " 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

TEST(ProcessStat, ReadsTheFields) {
  const auto stat = ParseProcessStat(StatLine("nginx"));
  ASSERT_TRUE(stat);
  const uint64_t tick_ns = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  EXPECT_EQ(stat->pid, 42);
  EXPECT_EQ(stat->command, "nginx");
  EXPECT_EQ(stat->user_ns, 150 * tick_ns);
  EXPECT_EQ(stat->system_ns, 50 * tick_ns);
  EXPECT_EQ(stat->threads, 7u);
  EXPECT_EQ(stat->start_ticks, 123456u);
  EXPECT_EQ(stat->resident_bytes, 25u * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_FALSE(stat->kernel_thread);
}

TEST(ProcessStat, TheCommandMayHoldAnything) {
  EXPECT_EQ(ParseProcessStat(StatLine("a) R (b"))->command, "a) R (b");
  EXPECT_EQ(ParseProcessStat(StatLine(""))->command, "");
}

TEST(ProcessStat, RefusesWhatIsCutOrGarbled) {
  const std::string line = StatLine("nginx");
  EXPECT_FALSE(ParseProcessStat(line.substr(0, 40)));
  EXPECT_FALSE(ParseProcessStat("42 nginx S"));
  EXPECT_FALSE(ParseProcessStat(")("));
  EXPECT_FALSE(ParseProcessStat(StatLine("nginx", "many")));
}

TEST(RunDelay, IsTheSecondNumber) {
  EXPECT_EQ(ParseRunDelayNs("892619 1684127 1\n"), 1684127u);
  EXPECT_EQ(ParseRunDelayNs("0 0 0\n"), 0u);
  EXPECT_EQ(ParseRunDelayNs("892619\n"), std::nullopt);
  EXPECT_EQ(ParseRunDelayNs(""), std::nullopt);
  EXPECT_EQ(ParseRunDelayNs("892619 -4 1\n"), std::nullopt);
}

TEST(RunDelay, IsOfAllThreadsOfThisProcess) {
  FileReader reader;
  const auto stat = ReadProcessStat(getpid(), reader);
  ASSERT_TRUE(stat.ok());
  ProcessStat of_threads = *stat;
  of_threads.threads = 2;  // so that each thread's file is read
  const auto of_one = ReadRunDelayNs(*stat, reader);
  const auto of_all = ReadRunDelayNs(of_threads, reader);
  if (absl::IsNotFound(of_one.status())) GTEST_SKIP() << "no schedstat on this kernel";
  ASSERT_TRUE(of_one.ok() && of_all.ok());
  EXPECT_GE(*of_all, *of_one);
  of_threads.pid = -1;
  EXPECT_TRUE(absl::IsNotFound(ReadRunDelayNs(of_threads, reader).status()));
}

TEST(ForEachProcess, SeesThisOneWithItsStart) {
  FileReader reader;
  int seen = 0;
  ASSERT_TRUE(ForEachProcess(reader, [&](const ProcessStat& stat, std::string_view cgroups) {
                if (stat.pid != getpid()) return;
                ++seen;
                EXPECT_NE(cgroups.find(":/"), std::string_view::npos);
                EXPECT_GT(stat.resident_bytes, 0u);
              }).ok());
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace leadline::agent::source
