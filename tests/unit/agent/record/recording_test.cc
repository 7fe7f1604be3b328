// A recording from one end to the other: what is kept is answered, and what is wrong with a file is
// said.
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/record/recorder.h"
#include "agent/record/replayer.h"
#include "agent/record/rows.h"
#include "agent/record/tape.h"
#include "common/status_text.h"
#include "prometheus/registry.h"
#include "tests/unit/agent/record/testing.h"

namespace leadline::agent::record {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

int Ask(std::string_view key, int now) {
  return Taped(
      Topic::kHost, key, [&] { return now; }, -1);
}

std::vector<int> AskRows(std::vector<int> now) {
  std::vector<int> rows;
  const absl::Status status = TapedRows<int>(
      Topic::kProbe, "rows",
      [&](RowHandler<int> each) {
        for (int row : now) each(row);
        return now.empty() ? absl::UnavailableError("no rows") : absl::OkStatus();
      },
      [&](const int& row) { rows.push_back(row); });
  if (!status.ok()) rows.push_back(-static_cast<int>(status.code()));
  return rows;
}

// Two turns, written by the code that the agent uses.
std::string Recorded() {
  const TempFile file;
  prometheus::Registry registry;
  {
    auto recorder = Recorder::Create(file.path(), kHeader, registry);
    EXPECT_TRUE(recorder.ok()) << recorder.status();
    const ScopedTape scope(recorder->get());
    EXPECT_EQ(Ask("one", 1), 1);
    EXPECT_EQ(Ask("two", 2), 2);
    EXPECT_EQ(Ask("one", 3), 3);
    EXPECT_THAT(AskRows({4, 5}), ElementsAre(4, 5));
    Tape::Current()->EndTurn(1'000);
    EXPECT_EQ(Ask("one", 6), 6);
    EXPECT_THAT(AskRows({}), ElementsAre(-14));
    Tape::Current()->EndTurn(2'000);
  }
  return file.Bytes();
}

std::unique_ptr<Replayer> Open(const TempFile& file) {
  auto replayer = Replayer::Open(file.path());
  EXPECT_TRUE(replayer.ok()) << replayer.status();
  return *std::move(replayer);
}

TEST(Recording, AnswersAsThen) {
  const TempFile file;
  file.Write(Recorded());
  const auto replayer = Open(file);
  EXPECT_EQ(replayer->header(), kHeader);
  const ScopedTape scope(replayer.get());
  EXPECT_EQ(Ask("two", 90), 2) << "in any order";
  EXPECT_EQ(Ask("one", 91), 1);
  EXPECT_EQ(Ask("one", 92), 3) << "of one key in that of then";
  EXPECT_THAT(AskRows({93}), ElementsAre(4, 5));
  replayer->EndTurn(0);
  EXPECT_FALSE(replayer->at_end());
  EXPECT_EQ(Ask("one", 94), 6);
  EXPECT_THAT(AskRows({95}), ElementsAre(-14));
  replayer->EndTurn(0);
  EXPECT_TRUE(replayer->at_end());
  EXPECT_TRUE(replayer->ended());
  EXPECT_TRUE(replayer->status().ok());
  EXPECT_EQ(Ask("one", 96), -1);
  EXPECT_EQ(replayer->counts().turns, 2);
  EXPECT_EQ(replayer->counts().answers, 6);
  EXPECT_TRUE(replayer->counts().unanswered.empty());
  EXPECT_TRUE(replayer->counts().unasked.empty());
}

TEST(Recording, WhatIsAskedNowAndThenIsCounted) {
  const TempFile file;
  file.Write(Recorded());
  const auto replayer = Open(file);
  const ScopedTape scope(replayer.get());
  EXPECT_EQ(Ask("three", 1), -1);
  std::string text = Taped(
      Topic::kHost, "two", [] { return std::string("now"); }, "missing");
  EXPECT_EQ(text, "missing") << "it was a number then";
  replayer->EndTurn(0);
  EXPECT_EQ(replayer->counts().unanswered.at(Topic::kHost), 1);
  EXPECT_EQ(replayer->counts().malformed.at(Topic::kHost), 1);
  EXPECT_EQ(replayer->counts().unasked.at(Topic::kHost), 2);
  EXPECT_EQ(replayer->counts().unasked.at(Topic::kProbe), 1);
}

TEST(Recording, OtherThreadsHaveNone) {
  EXPECT_EQ(Tape::Current(), nullptr);
  EXPECT_EQ(Ask("one", 7), 7);
}

TEST(Recording, IsItsGoldenFile) {
  const std::string path = std::string(LEADLINE_SOURCE_DIR) + "/tests/golden/recording/v1.llrec";
  const std::string recorded = Recorded();
  if (std::getenv("LEADLINE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << recorded;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(golden.substr(0, kHeaderBytes), recorded.substr(0, kHeaderBytes));
  // Another version of zstd may compress otherwise: the contents are what the format says.
  auto blocks = BlockReader::Open(golden);
  auto now = BlockReader::Open(recorded);
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  ASSERT_TRUE(now.ok());
  for (int block = 0;; ++block) {
    const auto is = blocks->Next();
    const auto should_be = now->Next();
    ASSERT_TRUE(is.ok()) << is.status();
    ASSERT_TRUE(should_be.ok());
    EXPECT_EQ(*is, *should_be) << block;
    if (!*is) break;
  }
}

// Replays all of it; the error that ends it.
absl::Status Ends(std::string_view bytes, uint64_t* turns) {
  const TempFile file;
  file.Write(bytes);
  auto replayer = Replayer::Open(file.path());
  if (!replayer.ok()) return replayer.status();
  while (!(*replayer)->at_end()) (*replayer)->EndTurn(0);
  *turns = (*replayer)->counts().turns;
  return (*replayer)->status();
}

TEST(Recording, EveryCutKeepsTheTurnsBeforeIt) {
  const std::string whole = Recorded();
  uint64_t turns = 0;
  size_t boundaries = 0;
  for (size_t length = 0; length < whole.size(); ++length) {
    turns = 0;
    const absl::Status status = Ends(std::string_view(whole).substr(0, length), &turns);
    if (status.ok()) {
      ++boundaries;
      continue;
    }
    EXPECT_TRUE(absl::IsOutOfRange(status) || length < 8) << length << ": " << status;
    EXPECT_LE(turns, 2);
  }
  // Behind the header and behind each turn: an agent that was killed.
  EXPECT_EQ(boundaries, 3);
  EXPECT_EQ(turns, 2);
}

TEST(Recording, EveryDamageIsNoticed) {
  const std::string whole = Recorded();
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    uint64_t turns = 0;
    EXPECT_FALSE(Ends(bytes, &turns).ok()) << at;
  }
}

TEST(Recording, SaysWhatIsWrong) {
  uint64_t turns = 0;
  std::string newer = Recorded();
  newer[8] = 2;
  EXPECT_THAT(StatusMessage(Ends(newer, &turns)),
              HasSubstr("it is a recording of version 2, this program reads 1"));
  EXPECT_THAT(StatusMessage(Ends("something else", &turns)), HasSubstr("it is no recording"));
  const std::string whole = Recorded();
  EXPECT_THAT(StatusMessage(Ends(whole.substr(0, whole.size() - 1), &turns)),
              HasSubstr("it ends within a block"));
  EXPECT_THAT(StatusMessage(Replayer::Open("/nowhere/at.all").status()),
              HasSubstr("recording /nowhere/at.all: cannot be read: No such file or directory"));
  EXPECT_THAT(StatusMessage(Replayer::Open("/proc/self").status()),
              HasSubstr("recording /proc/self: cannot be read: Is a directory"));
  prometheus::Registry registry;
  EXPECT_THAT(StatusMessage(Recorder::Create("/nowhere/at.all", kHeader, registry).status()),
              HasSubstr("recording /nowhere/at.all: cannot be written: No such file or directory"));
}

TEST(Recording, ReplacesNothingButARecording) {
  prometheus::Registry registry;
  const TempFile file;
  for (const std::string_view other : {"x", "LLrecor", "root:x:0:0:root:/root:/bin/sh\n"}) {
    file.Write(other);
    const auto refused = Recorder::Create(file.path(), kHeader, registry);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(StatusMessage(refused.status()), HasSubstr(file.path() + ": the file is there"));
    EXPECT_EQ(file.Bytes(), other);
  }
  const std::string recorded = Recorded();
  for (const std::string& replaceable : {std::string(), recorded, recorded.substr(0, 9)}) {
    file.Write(replaceable);
    ASSERT_TRUE(Recorder::Create(file.path(), kHeader, registry).ok()) << replaceable.size();
    EXPECT_TRUE(Open(file)->at_end());
  }
  EXPECT_TRUE(Recorder::Create("/dev/null", kHeader, registry).ok());
}

TEST(Recording, ADiskThatFillsUpEndsItAndIsCounted) {
  const TempFile file;
  prometheus::Registry registry;
  const auto recorder = Recorder::Create(file.path(), kHeader, registry);
  ASSERT_TRUE(recorder.ok());
  const ScopedTape scope(recorder->get());
  Ask("one", 1);
  Tape::Current()->EndTurn(1'000);
  const size_t whole_bytes = file.Bytes().size();

  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = whole_bytes + 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Ask("two", 2);
  Tape::Current()->EndTurn(2'000);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);

  EXPECT_EQ(file.Bytes().size(), whole_bytes) << "nothing half written stays";
  EXPECT_EQ(Ask("three", 3), 3) << "the agent goes on";
  double lost = 0;
  for (const auto& family : registry.Collect()) {
    if (family.name == "leadline_agent_recording_answers_lost_total") {
      lost = family.metric.front().counter.value;
    }
  }
  EXPECT_EQ(lost, 1);
}

}  // namespace
}  // namespace leadline::agent::record
