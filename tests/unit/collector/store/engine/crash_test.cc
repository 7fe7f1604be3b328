// A writer is killed at random points, again and again: what it was told is durable is there, once.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/engine/open.h"
#include "tests/crash/samples.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::store::engine {
namespace {

// Of a normal run, and with LEADLINE_DEEP set.
constexpr int kKills = 40;
constexpr int kDeepRounds = 100;

std::string WriterProgram() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "leadline_crash_writer")
      .string();
}

// Runs the writer until it has acknowledged `count` batches, kills it, and gives the last sequence
// that it acknowledged (what it wrote before it died counts); 0 when there was none.
uint64_t RunAndKill(const std::string& dir, uint32_t seed, int count) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const std::string program = WriterProgram();
  const std::string seed_text = std::to_string(seed);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl(program.c_str(), program.c_str(), dir.c_str(), seed_text.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  uint64_t last = 0;
  uint64_t sequence = 0;
  int seen = 0;
  while (read(ends[0], &sequence, sizeof sequence) == sizeof sequence) {
    last = sequence;
    if (++seen == count) kill(child, SIGKILL);
  }
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      << "the writer ended by itself with status " << status;
  return last;
}

// Every batch up to the last sequence is there, whole and once, and nothing else.
void ExpectWhole(const std::string& dir, uint64_t acknowledged) {
  auto opened = OpenStore({.dir = dir});
  ASSERT_TRUE(opened.ok()) << opened.status();
  const uint64_t last = (*opened)->LastSequence(crash::kTenant, crash::Writer());
  EXPECT_GE(last, acknowledged);
  const auto blocks = (*opened)->queryable().Select(
      crash::kTenant, {{Matcher::Op::kEqual, "__name__", "m"}}, {.end_ms = INT64_MAX});
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  if (last == 0) return;
  for (const auto record_of : {crash::RecordOf, crash::ExemplarOf}) {
    const auto records =
        (*opened)->queryable().Records(crash::kTenant, {.table = record_of(1).table});
    ASSERT_TRUE(records.ok()) << records.status();
    std::map<int64_t, model::Record> expected_records;
    for (uint64_t i = 1; i <= last; ++i) expected_records[crash::TimeOf(i)] = record_of(i);
    ASSERT_EQ(records->size(), expected_records.size());
    for (const model::Record& record : *records) {
      ASSERT_EQ(record, expected_records[record.ts_ms]) << "at " << record.ts_ms;
    }
  }
  ASSERT_EQ(blocks->size(), crash::kSeries);
  for (const SeriesBlock& block : *blocks) {
    const uint64_t series = std::stoull(std::string(block.labels->Get("series")));
    std::map<int64_t, double> expected;
    for (uint64_t i = 1; i <= last; ++i) expected[crash::TimeOf(i)] = crash::ValueOf(i, series);
    std::map<int64_t, double> got;
    for (size_t i = 0; i < block.ts_ms.size(); ++i) got[block.ts_ms[i]] = block.values[i];
    ASSERT_EQ(block.ts_ms.size(), got.size()) << "a sample is there twice";
    ASSERT_EQ(got, expected) << "series " << series << ", last sequence " << last;
  }
}

TEST(Crash, NothingAcknowledgedIsLostOrDoubled) {
  const TempDir dir;
  std::mt19937 random(20261122);
  const int rounds = std::getenv("LEADLINE_DEEP") != nullptr ? kDeepRounds : kKills;
  for (int round = 0; round < rounds; ++round) {
    const int count = 1 + static_cast<int>(random() % 40);
    const uint64_t acknowledged = RunAndKill(dir.File("data"), random(), count);
    ASSERT_GT(acknowledged, 0u);
    ASSERT_NO_FATAL_FAILURE(ExpectWhole(dir.File("data"), acknowledged)) << "round " << round;
  }
}

}  // namespace
}  // namespace leadline::collector::store::engine
