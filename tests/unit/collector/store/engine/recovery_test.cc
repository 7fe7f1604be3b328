// Starts: what is taken before the log has been read, and what of it is read at all.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/file/files.h"
#include "common/mutex.h"
#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::store::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The file system, whose reads of log segments after the first so many wait to be let go.
class HeldFiles final : public file::Files {
 public:
  void HoldLogAfter(int reads) {
    MutexLock lock(mutex_);
    reads_left_ = reads;
  }
  void LetGo() {
    MutexLock lock(mutex_);
    reads_left_ = -1;
    fails_ = false;
    changed_.NotifyAll();
  }
  // Those that wait fail, and all others until LetGo.
  void Fail() {
    MutexLock lock(mutex_);
    fails_ = true;
    changed_.NotifyAll();
  }

  absl::StatusOr<std::string> Read(const std::string& path) override {
    if (path.ends_with(".log")) {
      MutexLock lock(mutex_);
      while (reads_left_ == 0 && !fails_) changed_.Wait(mutex_);
      if (reads_left_ == 0) return absl::InternalError("made to fail");
      if (reads_left_ > 0) --reads_left_;
    }
    return real_.Read(path);
  }
  absl::StatusOr<std::unique_ptr<file::WritableFile>> Create(const std::string& path) override {
    return real_.Create(path);
  }
  absl::StatusOr<std::unique_ptr<file::WritableFile>> OpenForAppend(
      const std::string& path) override {
    return real_.OpenForAppend(path);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override {
    return real_.List(dir);
  }
  absl::Status MakeDirs(const std::string& dir) override { return real_.MakeDirs(dir); }
  absl::Status SyncDir(const std::string& dir) override { return real_.SyncDir(dir); }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return real_.Rename(from, to);
  }
  absl::Status Remove(const std::string& path) override { return real_.Remove(path); }
  absl::StatusOr<uint64_t> SizeBytes(const std::string& path) override {
    return real_.SizeBytes(path);
  }
  absl::StatusOr<uint64_t> FreeBytes(const std::string& dir) override {
    return real_.FreeBytes(dir);
  }
  absl::StatusOr<std::unique_ptr<file::FileLock>> Lock(const std::string& path) override {
    return real_.Lock(path);
  }

 private:
  file::Files& real_ = file::PosixFiles();
  Mutex mutex_;
  CondVar changed_;
  int reads_left_ ABSL_GUARDED_BY(mutex_) = -1;  // -1: any number
  bool fails_ ABSL_GUARDED_BY(mutex_) = false;
};

class RecoveryTest : public StoreFixture {
 protected:
  RecoveryTest() { options_.files = &files_; }
  ~RecoveryTest() override {
    files_.LetGo();
    store_.reset();  // before what it uses
  }

  WriteBatch Numbered(uint64_t sequence) {
    WriteBatch batch = Sample(series_, kT0 + static_cast<int64_t>(sequence), double(sequence));
    batch.writer = writer_;
    batch.sequence = sequence;
    return batch;
  }

  // Whether the log could not be read.
  bool HasFailed() const {
    return std::string(store_->Health().message()).find("made to fail") != std::string::npos;
  }

  HeldFiles files_;
  const model::SeriesDefinition series_{"m", HashId({"e"}), {}};
  const WriterId writer_{HashId({"agent"}), 1};
};

TEST_F(RecoveryTest, WritesAreTakenBeforeTheLogIsRead) {
  for (uint64_t sequence = 1; sequence <= 3; ++sequence) Append(Numbered(sequence));
  options_.recover_in_background = true;
  files_.HoldLogAfter(1);  // the one segment is looked at, and not read
  Open();
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 3u);
  Append(Numbered(3));  // there already
  Append(Numbered(4));
  const model::SeriesDefinition other{"n", HashId({"f"}), {}};
  AppendSample(other, kT0, 1);
  EXPECT_EQ(store_->LastSequence(kTenant, writer_), 4u);
  const auto early = store_->queryable().Select(kTenant, {Name("m")}, {.end_ms = kT0 + kDay});
  EXPECT_EQ(early.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(early.status().message()), HasSubstr("starting"));
  EXPECT_EQ(store_->Health().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->Flush().code(), absl::StatusCode::kUnavailable);

  files_.LetGo();
  while (!store_->Health().ok()) std::this_thread::yield();
  const std::string all = R"({__name__="m"} 1=1 2=2 3=3 4=4)";
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(all));
  EXPECT_EQ(Select({Name("n")}).size(), 1u);
  Append(Numbered(5));
  options_.recover_in_background = false;
  Open();
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1 2=2 3=3 4=4 5=5)"));
}

TEST_F(RecoveryTest, AStoreThatIsClosedWhileItReadsKeepsWhatItTook) {
  Append(Numbered(1));
  options_.recover_in_background = true;
  files_.HoldLogAfter(1);
  Open();
  Append(Numbered(2));
  std::thread closer([this] { store_.reset(); });
  files_.LetGo();
  closer.join();
  options_.recover_in_background = false;
  Open();
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 1=1 2=2)"));
}

// Series of many shards, which are flushed one at a time: a start reads for each what windows do
// not have of it, and a start with other shards all that is left.
TEST_F(RecoveryTest, ShardsAreFlushedInTurnAndTheLogIsBounded) {
  options_.flush_log_bytes = 8 << 10;
  options_.maintenance_interval = absl::Milliseconds(1);
  options_.head_shards = 4;
  Open();
  constexpr int kSeries = 16;
  constexpr uint64_t kBatches = 600;
  uint64_t sequence = 0;
  const auto append = [&](uint64_t batches) {
    for (const uint64_t end = sequence + batches; sequence < end;) {
      ++sequence;
      WriteBatch batch;
      batch.writer = writer_;
      batch.sequence = sequence;
      batch.floats.push_back({kT0 + static_cast<int64_t>(sequence) * 1000, {}, {}});
      for (uint32_t i = 0; i < kSeries; ++i) {
        const std::string name = std::to_string(i);
        batch.series.push_back(Resolve({"m", HashId({name}), LabelSet({{"n", name}})}));
        batch.floats[0].series.push_back(i);
        batch.floats[0].values.push_back(static_cast<double>(sequence) + 0.5 * i);
      }
      Append(std::move(batch));
    }
  };
  const auto expect_all = [&] {
    const auto blocks = Select({Name("m")});
    ASSERT_EQ(blocks.size(), static_cast<size_t>(kSeries));
    for (const SeriesBlock& block : blocks) {
      const double part = 0.5 * std::stod(std::string(block.labels->Get("n")));
      ASSERT_EQ(block.values.size(), sequence);
      for (uint64_t i = 0; i < sequence; ++i) {
        ASSERT_EQ(block.values[i], static_cast<double>(i + 1) + part);
      }
    }
  };
  append(kBatches);
  ASSERT_NO_FATAL_FAILURE(expect_all());
  // It is flushed until the log is short: what windows lack, and the part of a turn.
  const auto log_bytes = [&] {
    uint64_t bytes = 0;
    const std::vector<std::string> names = *files_.List(options_.dir + "/log");
    for (const std::string& name : names) {
      const auto contents = files_.Read(options_.dir + "/log/" + name);
      if (contents.ok()) bytes += contents->size();  // else it was removed just now
    }
    return bytes;
  };
  while (log_bytes() > 3 * options_.flush_log_bytes) std::this_thread::yield();
  EXPECT_FALSE(files_.List(options_.dir + "/windows/raw")->empty());
  for (const size_t shards : {4, 4, 3}) {
    options_.head_shards = shards;
    Open();
    ASSERT_NO_FATAL_FAILURE(expect_all());
    append(20);
  }
}

// The handles of a run say to which shard a series fell then. Whoever reads them on several threads
// has to keep what was written to a series in order, whatever shards the runs had.
TEST_F(RecoveryTest, RunsWithOtherShardsAreReadInOrder) {
  constexpr int kSeries = 40;
  const auto append = [&](double value) {
    for (int i = 0; i < kSeries; ++i) {
      const std::string name = std::to_string(i);
      // With an entity, by instance, and by its labels.
      model::SeriesDefinition series{"m", Id128(), LabelSet({{"n", name}})};
      if (i % 3 == 0) series.entity = HashId({name});
      if (i % 3 == 1) series.residual.Set("instance", name);
      AppendSample(series, kT0, value + i);
    }
  };
  options_.head_shards = 8;
  Open();
  append(1000);
  options_.recover_in_background = true;
  for (const size_t shards : {3, 5}) {
    options_.head_shards = shards;
    // All of them are looked at, and then read again.
    files_.HoldLogAfter(static_cast<int>(files_.List(options_.dir + "/log")->size()));
    Open();
    append(1000 * static_cast<double>(shards));
    files_.Fail();  // nothing is flushed
    while (!HasFailed()) std::this_thread::yield();
    store_.reset();
    files_.LetGo();
  }
  options_.recover_in_background = false;
  options_.replay_threads = 3;
  options_.head_shards = 8;
  Open();
  const auto blocks = Select({Name("m")});
  ASSERT_EQ(blocks.size(), static_cast<size_t>(kSeries));
  for (const SeriesBlock& block : blocks) {
    EXPECT_THAT(block.values, ElementsAre(5000 + std::stod(std::string(block.labels->Get("n")))));
  }
}

// Neither the log nor the time is what makes it: the samples take too much memory.
TEST_F(RecoveryTest, ManySamplesInMemoryAreFlushedEarlier) {
  options_.flush_sample_bytes = 1;
  options_.maintenance_interval = absl::Milliseconds(1);
  Open();
  const auto has_windows = [&] {
    const auto windows = files_.List(options_.dir + "/windows/raw");
    return windows.ok() && !windows->empty();
  };
  constexpr int kMost = 100'000;
  int samples = 0;
  for (; samples < kMost && !has_windows(); ++samples) {
    AppendSample({"m", Id128(), {}}, kT0 + samples, samples + 0.5);
  }
  EXPECT_LT(samples, kMost);
  EXPECT_EQ(Select({Name("m")})[0].values.size(), static_cast<size_t>(samples));
}

// A version that only says that labels still hold changes nothing, and does not after a start that
// reads it without the version that it speaks of.
TEST_F(RecoveryTest, VersionsOfEntitiesAreReadWithThoseBeforeThem) {
  options_.flush_log_bytes = 4 << 10;
  options_.maintenance_interval = absl::Milliseconds(1);
  options_.head_shards = 3;
  Open();
  constexpr int kEntities = 12;
  const auto append = [&](int number, const std::string& pod, int64_t ts_ms, uint64_t revision) {
    const std::string name = std::to_string(number);
    WriteBatch batch = Sample({"m", HashId({"container", name}), {}}, ts_ms, number);
    batch.entities = {Container(name, LabelSet({{"pod", pod + name}}), kT0, revision)};
    batch.entities[0].valid_from_ms = revision == 2 ? ts_ms : kT0;
    Append(std::move(batch));
  };
  for (int i = 0; i < kEntities; ++i) append(i, "first-", kT0 + 1, 1);
  for (int i = 0; i < kEntities; ++i) append(i, "second-", kT0 + 100, 2);
  // Every agent's start says again what it knows, from the entity's start on.
  for (uint64_t round = 0; round < 100; ++round) {
    for (int i = 0; i < kEntities; ++i) {
      append(i, "second-", kT0 + 200 + static_cast<int64_t>(round), 3 + round);
    }
  }
  for (const size_t shards : {3, 2, 3}) {
    options_.head_shards = shards;
    Open();
    for (int i = 0; i < kEntities; ++i) {
      const auto blocks = Select({Name("m"), Equal("pod", "first-" + std::to_string(i))});
      ASSERT_EQ(blocks.size(), 1u) << i;
      EXPECT_EQ(blocks[0].ts_ms.front(), kT0 + 1);
    }
  }
}

}  // namespace
}  // namespace leadline::collector::store::engine
