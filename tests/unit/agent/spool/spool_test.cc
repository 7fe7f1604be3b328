// What a spool keeps through kills, damage and full disks, and what it says about what it lost.
#include "agent/spool/spool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/id128.h"

namespace leadline::agent::spool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Writer WriterOf(uint64_t epoch) { return {HashId({"agent"}), epoch, 1000 + epoch}; }

std::string BatchText(uint64_t sequence, size_t size = 100) {
  std::string text = fmt::format("batch {} ", sequence);
  text.resize(size, 'x');
  return text;
}

class SpoolTest : public testing::Test {
 protected:
  SpoolTest() {
    char name[] = "/tmp/leadline-spool-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~SpoolTest() override {
    spool_.reset();
    std::filesystem::remove_all(dir_);
  }

  // As a new process.
  void Open(uint64_t epoch, uint64_t max_bytes = 64 << 20) {
    spool_.reset();
    dropped_.clear();
    auto opened = Spool::Open({.dir = dir_,
                               .max_bytes = max_bytes,
                               .writer = WriterOf(epoch),
                               .dropped = [this](const LostRange& l) { dropped_.push_back(l); }});
    ASSERT_TRUE(opened.ok()) << opened.status();
    opened_ = *std::move(opened);
    spool_ = std::move(opened_.spool);
    definitions_ = std::move(opened_.definitions);
  }

  // With a definition of its own in every third.
  absl::Status Append(uint64_t sequence, size_t size = 100) {
    if (spool_->NeedsSegment()) {
      auto begun = spool_->BeginSegment(sequence, fmt::format("all before {}", sequence));
      if (!begun.ok()) return begun;
    }
    const std::string definitions = sequence % 3 == 0 ? fmt::format("new in {}", sequence) : "";
    return spool_->Append(sequence, 10, definitions, BatchText(sequence, size)).status();
  }
  void AppendAll(uint64_t first, uint64_t last, size_t size = 100) {
    for (uint64_t i = first; i <= last; ++i) ASSERT_EQ(Append(i, size), absl::OkStatus()) << i;
  }

  // "epoch: 1-4 lost(40), 5, 6" of everything recovered, with the batches read back.
  std::vector<std::string> Recovered() {
    std::vector<std::string> out;
    for (const auto& writer : opened_.recovered) {
      Reader reader(dir_, definitions_);
      std::string text = fmt::format("{}:", writer.writer.epoch);
      for (const RecoveredItem& item : writer.items) {
        if (!item.location) {
          text += fmt::format(" {}-{} {}({})", item.first, item.last,
                              item.damaged ? "damaged" : "lost", item.samples);
          continue;
        }
        const auto batch = reader.Read(*item.location);
        EXPECT_TRUE(batch.ok()) << batch.status();
        if (!batch.ok()) continue;
        EXPECT_EQ(batch->wire, BatchText(item.first, batch->wire.size()));
        EXPECT_EQ(item.samples, 10);
        text += fmt::format(" {}", item.first);
      }
      out.push_back(text);
    }
    return out;
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  std::string dir_;
  std::unique_ptr<Spool> spool_;
  Spool::Opened opened_;
  std::shared_ptr<const DefinitionIndex> definitions_;
  std::vector<LostRange> dropped_;
};

TEST_F(SpoolTest, WhatWasAppendedIsThereForTheNextProcess) {
  Open(1);
  EXPECT_THAT(Recovered(), IsEmpty());
  AppendAll(1, 5);
  Open(2);
  EXPECT_THAT(Recovered(), ElementsAre("1: 1 2 3 4 5"));
  EXPECT_EQ(opened_.recovered[0].writer, WriterOf(1));
  AppendAll(1, 2);
  Open(3);
  EXPECT_THAT(Recovered(), ElementsAre("1: 1 2 3 4 5", "2: 1 2"));
  spool_->Acknowledge(WriterOf(1), 5);
  EXPECT_EQ(Files().size(), 1);
  Open(4);
  EXPECT_THAT(Recovered(), ElementsAre("2: 1 2"));
}

TEST_F(SpoolTest, AReaderTellsEachDefinitionOnceAndBeforeItsBatch) {
  Open(1);
  AppendAll(1, 7);
  Open(2);
  Reader reader(dir_, definitions_);
  const auto& items = opened_.recovered[0].items;
  // From the second on, as a session does whose collector has the first.
  auto batch = reader.Read(*items[1].location);
  ASSERT_TRUE(batch.ok());
  EXPECT_THAT(batch->definitions, ElementsAre("all before 1"));
  batch = reader.Read(*items[4].location);
  EXPECT_THAT(batch->definitions, ElementsAre("new in 3"));
  batch = reader.Read(*items[5].location);
  EXPECT_THAT(batch->definitions, ElementsAre("new in 6"));
  batch = reader.Read(*items[6].location);
  EXPECT_THAT(batch->definitions, IsEmpty());
  Reader again(dir_, definitions_);
  batch = again.Read(*items[6].location);
  EXPECT_THAT(batch->definitions, ElementsAre("all before 1", "new in 3", "new in 6"));
}

TEST_F(SpoolTest, AcknowledgedSegmentsGoAndAcknowledgedBatchesDoNotComeBack) {
  Open(1, /*max_bytes=*/2 << 20);
  AppendAll(1, 100, 10'000);
  EXPECT_GT(Files().size(), 5);
  spool_->Acknowledge(WriterOf(1), 99);
  EXPECT_EQ(Files().size(), 1);
  AppendAll(101, 101);
  Open(2);
  EXPECT_THAT(Recovered(), ElementsAre("1: 100 101"));
}

TEST_F(SpoolTest, TheOldestGoesFirstAndIsReportedAndRemembered) {
  Open(1, 1 << 20);
  AppendAll(1, 200, 10'000);
  ASSERT_FALSE(dropped_.empty());
  EXPECT_EQ(dropped_.front().first, 1);
  uint64_t last = 0;
  uint64_t samples = 0;
  for (const LostRange& lost : dropped_) {
    EXPECT_EQ(lost.first, last + 1);
    last = lost.last;
    samples += lost.samples;
  }
  EXPECT_EQ(samples, last * 10);
  uint64_t bytes = 0;
  for (const auto& file : Files()) bytes += std::filesystem::file_size(file);
  EXPECT_LE(bytes, 1 << 20);
  EXPECT_GT(bytes, 900'000);
  EXPECT_EQ(bytes, spool_->bytes());

  Open(2);
  std::string expected = fmt::format("1: 1-{} lost({})", last, samples);
  for (uint64_t i = last + 1; i <= 200; ++i) expected += fmt::format(" {}", i);
  EXPECT_THAT(Recovered(), ElementsAre(expected));
}

TEST_F(SpoolTest, WhatIsLostOfAnEarlierProcessOutlivesItsSegments) {
  Open(1, 1 << 20);
  AppendAll(1, 20, 10'000);
  Open(2, 1 << 20);
  AppendAll(1, 120, 10'000);
  Open(3, 1 << 20);
  ASSERT_EQ(opened_.recovered.size(), 2);
  EXPECT_EQ(Recovered()[0], "1: 1-20 lost(200)");
  EXPECT_TRUE(Recovered()[1].starts_with("2: 1-")) << Recovered()[1];
  spool_->Acknowledge(WriterOf(1), 20);
  spool_->Acknowledge(WriterOf(2), 120);
  AppendAll(1, 1);
  Open(4);
  EXPECT_THAT(Recovered(), ElementsAre("3: 1"));
}

TEST_F(SpoolTest, EverythingThatWasWrittenSurvivesAKill) {
  for (uint64_t epoch = 1; epoch <= 3; ++epoch) {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      Open(epoch, 1 << 30);
      for (uint64_t i = 1;; ++i) {
        if (!Append(i, 5000).ok() || write(fds[1], &i, sizeof(i)) != sizeof(i)) _exit(1);
      }
    }
    close(fds[1]);
    uint64_t written = 0;
    uint64_t next = 0;
    while (written < 1000 * epoch && read(fds[0], &next, sizeof(next)) == sizeof(next)) {
      written = next;
    }
    kill(child, SIGKILL);
    while (read(fds[0], &next, sizeof(next)) == sizeof(next)) written = next;
    close(fds[0]);
    waitpid(child, nullptr, 0);
    ASSERT_GE(written, 1000 * epoch);

    Open(100, 1 << 30);
    ASSERT_EQ(opened_.recovered.size(), epoch);
    const auto& items = opened_.recovered.back().items;
    ASSERT_GE(items.size(), written);
    EXPECT_LE(items.size(), written + 2);  // one was written and not told, one may be torn
    Reader reader(dir_, definitions_);
    for (uint64_t i = 0; i < written; ++i) {
      ASSERT_TRUE(items[i].location) << i;
      const auto batch = reader.Read(*items[i].location);
      ASSERT_TRUE(batch.ok()) << batch.status();
      ASSERT_EQ(batch->wire, BatchText(i + 1, 5000));
    }
  }
}

TEST_F(SpoolTest, ATornTailCostsWhatWasTorn) {
  Open(1);
  AppendAll(1, 4);
  const std::string file = Files()[0];
  const auto whole = std::filesystem::file_size(file);
  spool_.reset();
  const uint64_t header = kSegmentHeaderBytes;
  for (uint64_t size = whole; size-- > 0;) {
    std::filesystem::path copy = file + ".whole";
    if (size == whole - 1) std::filesystem::copy_file(file, copy);
    std::filesystem::copy_file(copy, file, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(file, size);
    Open(2);
    if (size < header) {
      EXPECT_EQ(opened_.damaged_places, 1) << size;
      EXPECT_THAT(Recovered(), IsEmpty()) << size;
      continue;
    }
    // What is there is there in order, from the first on; never more than one place is torn.
    EXPECT_LE(opened_.damaged_places, 2) << size;
    uint64_t next = 1;
    for (const auto& writer : opened_.recovered) {
      for (const RecoveredItem& item : writer.items) {
        EXPECT_EQ(item.first, next) << size;
        next = item.last + 1;
      }
    }
    if (size > whole - 100) {
      EXPECT_THAT(Recovered(), ElementsAre("1: 1 2 3 4-4 damaged(10)"));
    }
  }
}

TEST_F(SpoolTest, AFlippedBitNeverGivesAWrongBatch) {
  Open(1);
  AppendAll(1, 6);
  const std::string file = Files()[0];
  spool_.reset();
  std::string bytes;
  {
    std::ifstream in(file, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  size_t whole = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    const auto contents = Scan(flipped);
    if (at < kSegmentHeaderBytes) {
      // Bytes 12 to 15 are checked too.
      EXPECT_FALSE(contents) << at;
      continue;
    }
    ASSERT_TRUE(contents) << at;
    EXPECT_FALSE(contents->damage.empty()) << at;
    for (const SegmentBatch& batch : contents->batches) {
      if (!batch.usable) continue;
      const std::string want = BatchText(batch.sequence);
      const size_t end = flipped.find(want);
      EXPECT_NE(end, std::string::npos) << at;
      ++whole;
    }
  }
  EXPECT_GT(whole, bytes.size());  // most flips leave most batches
}

TEST_F(SpoolTest, ADamagedBatchCostsItselfAndDamagedDefinitionsWhatIsBehindThem) {
  struct Case {
    std::string text;  // in which a bit is flipped
    std::string recovered;
    uint64_t places;
  };
  const Case cases[] = {
      {"batch 2 ", "1: 1 2-2 damaged(10) 3 4 5 6 7", 1},
      {"batch 3 ", "1: 1 2 3-3 damaged(10) 4 5 6 7", 1},  // its definitions are whole
      {"new in 3",
       "1: 1 2 3-3 damaged(10) 4-4 damaged(10) 5-5 damaged(10) 6-6 damaged(10) "
       "7-7 damaged(10)",
       1},
      {"new in 6", "1: 1 2 3 4 5 6-6 damaged(10) 7-7 damaged(10)", 1},
  };
  for (const Case& c : cases) {
    for (const auto& file : Files()) std::filesystem::remove(file);
    Open(1);
    AppendAll(1, 7);
    const std::string file = Files()[0];
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(stream), {});
    const size_t at = bytes.find(c.text);
    ASSERT_NE(at, std::string::npos);
    stream.clear();
    stream.seekp(static_cast<std::streamoff>(at + 2));
    stream.put('!');
    stream.close();
    Open(2);
    EXPECT_THAT(Recovered(), ElementsAre(c.recovered)) << c.text;
    EXPECT_EQ(opened_.damaged_places, c.places) << c.text;
  }
}

TEST_F(SpoolTest, AFileThatIsNoSegmentIsNamedAndRemovedOthersAreLeft) {
  Open(1);
  AppendAll(1, 2);
  std::ofstream(dir_ + "/" + SegmentFileName(77)) << "not a segment";
  std::ofstream(dir_ + "/notes.txt") << "mine";
  Open(2);
  EXPECT_EQ(opened_.damaged_places, 1);
  EXPECT_THAT(Recovered(), ElementsAre("1: 1 2"));
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/notes.txt"));
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/" + SegmentFileName(77)));
}

TEST_F(SpoolTest, WhatANewerProgramWroteIsLeftForIt) {
  Open(1);
  AppendAll(1, 2);
  std::string newer = EncodeSegmentHeader({.number = 77});
  newer[8] = kVersion + 1;
  newer += "what it is we cannot know";
  std::ofstream(dir_ + "/" + SegmentFileName(77)) << newer;
  Open(2);
  EXPECT_EQ(opened_.damaged_places, 1);
  EXPECT_THAT(Recovered(), ElementsAre("1: 1 2"));
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/" + SegmentFileName(77)));
  AppendAll(3, 4);
  EXPECT_TRUE(std::filesystem::exists(dir_ + "/" + SegmentFileName(78))) << "behind it";
}

TEST_F(SpoolTest, ABatchThatIsLargerThanTheRoomIsRefused) {
  Open(1, 100'000);
  AppendAll(1, 3, 10'000);
  EXPECT_EQ(Append(4, 200'000).code(), absl::StatusCode::kResourceExhausted);
  AppendAll(5, 5);
  Open(2);
  EXPECT_THAT(Recovered()[0], testing::EndsWith(" 5"));
}

TEST_F(SpoolTest, AnErrorNamesThePath) {
  std::ofstream(dir_ + "/file") << "";
  const auto opened = Spool::Open({.dir = dir_ + "/file/spool"});
  EXPECT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.status().message()), testing::HasSubstr(dir_ + "/file/spool"));
}

}  // namespace
}  // namespace leadline::agent::spool
