// Commits that wait for flushes: they wait for nothing else, and not for ever.
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "collector/store/engine/committer.h"
#include "tests/unit/collector/store/engine/store_fixture.h"
#include "tests/unit/collector/store/faulty_files.h"

namespace leadline::collector::store::engine {
namespace {

const absl::Duration kLong = absl::Hours(1);

class CommitterHoldTest : public testing::Test {
 protected:
  CommitterHoldTest() {
    auto writer = log::Writer::Open(file::PosixFiles(), dir_.path(), 1, 0);
    EXPECT_TRUE(writer.ok()) << writer.status();
    committer_ = std::make_unique<Committer>(
        *std::move(writer), head_, writers_, metrics_,
        Committer::Options{.segment_bytes = 1 << 20,
                           .queue_bytes = 1 << 20,
                           .flushed_bytes = std::vector<uint64_t>(head_.shard_count()),
                           .max_unflushed_bytes = 1 << 30,
                           .max_definition_bytes = 1 << 30,
                           .oldest_ms = [] { return int64_t{0}; },
                           .now_ms = [] { return kT0; },
                           .check_disk = [] { return absl::OkStatus(); },
                           .applied = [] {}});
    committer_->StartApplying();
    handle_ = head_.Resolve(kTenant, std::vector<model::SeriesDefinition>{{"m", {}, {}}}).front();
  }

  std::future<absl::Status> Submit(int64_t ts_ms) {
    auto outcome = std::make_shared<std::promise<absl::Status>>();
    PendingBatch batch;
    batch.tenant = kTenant;
    batch.batch.series = {handle_};
    batch.batch.floats.push_back({ts_ms, {0}, {1.0}});
    log::AppendRecord(kTenant, batch.batch, batch.record);
    batch.releases = head_.releases();
    batch.durable = [outcome](const absl::Status& status) { outcome->set_value(status); };
    committer_->Submit(std::move(batch));
    return outcome->get_future();
  }
  static bool IsThere(const std::future<absl::Status>& outcome) {
    return outcome.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

  TempDir dir_;
  prometheus::Registry registry_;
  Metrics metrics_{registry_};
  head::Head head_{4};
  Writers writers_;
  SeriesHandle handle_ = 0;
  std::unique_ptr<Committer> committer_;
};

TEST_F(CommitterHoldTest, HoldsWhatIsAboveAndServesTheFlushMeanwhile) {
  committer_->HoldAbove(1, kLong);
  EXPECT_TRUE(Submit(kT0).get().ok()) << "the head has no samples yet";
  auto held = Submit(kT0 + 1);
  const auto mark = committer_->Checkpoint({0, 1, 2, 3});
  ASSERT_TRUE(mark.ok()) << mark.status();
  EXPECT_FALSE(IsThere(held));
  EXPECT_FALSE(committer_->Heal()) << "is served too";
  EXPECT_FALSE(IsThere(held));
  for (size_t shard = 0; shard < head_.shard_count(); ++shard) head_.DropFrozen(shard, {});
  committer_->Flushed({0, 1, 2, 3}, *mark);
  committer_->GoOn();
  EXPECT_TRUE(held.get().ok());
}

TEST_F(CommitterHoldTest, HoldsForNoLongerThanItIsToldAndCountsIt) {
  // A thread that comes too late for it holds nothing.
  for (int i = 0; metrics_.log_held_seconds.Value() == 0; ++i) {
    committer_->HoldAbove(0, absl::Milliseconds(1));
    EXPECT_TRUE(Submit(kT0 + i).get().ok());
  }
}

TEST_F(CommitterHoldTest, WritesWhatIsHeldWhenItIsStopped) {
  committer_->HoldAbove(0, kLong);
  auto first = Submit(kT0);
  auto second = Submit(kT0 + 1);
  EXPECT_FALSE(IsThere(first));
  committer_.reset();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
}

// A store whose samples are always too many.
class StoreHoldTest : public StoreFixture {
 protected:
  static constexpr int kWriters = 16;
  static constexpr int kBatches = 60;
  static constexpr int kSamples = 400;

  StoreHoldTest() {
    options_.flush_sample_bytes = 1;
    options_.maintenance_interval = absl::Hours(1);  // flushes are for what is written, or none
    options_.files = &files_;
  }
  ~StoreHoldTest() override { store_.reset(); }

  WriteBatch Batch(int writer, int number) {
    const Id128 entity = HashId({std::to_string(writer)});
    WriteBatch batch;
    batch.writer = {entity, 1};
    batch.sequence = static_cast<uint64_t>(number + 1);
    batch.series = {Resolve({"m", entity, LabelSet({{"writer", std::to_string(writer)}})})};
    for (int i = 0; i < kSamples; ++i) {
      const int at = number * kSamples + i;
      batch.floats.push_back({kT0 + at * 10, {0}, {at * 1.37}});
    }
    return batch;
  }
  void ExpectAll() {
    const auto blocks = Select({Name("m")});
    ASSERT_EQ(blocks.size(), size_t{kWriters});
    for (const SeriesBlock& block : blocks) {
      ASSERT_EQ(block.values.size(), size_t{kBatches * kSamples});
      for (size_t i = 0; i < block.values.size(); ++i) {
        ASSERT_EQ(block.values[i], static_cast<double>(i) * 1.37);
      }
    }
  }

  FaultyFiles files_;
};

TEST_F(StoreHoldTest, ManyWritersAllGetTheirAnswers) {
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([this, writer] {
      for (int number = 0; number < kBatches; ++number) Append(Batch(writer, number));
    });
  }
  for (std::thread& thread : threads) thread.join();
  ExpectAll();
  Open();
  ExpectAll();
}

TEST_F(StoreHoldTest, IsClosedWhileBatchesWait) {
  std::atomic<int> durable = 0;
  for (int number = 0; number < kBatches; ++number) {
    for (int writer = 0; writer < kWriters; ++writer) {
      store_->Append(kTenant, Batch(writer, number), [&](const absl::Status& status) {
        EXPECT_TRUE(status.ok()) << status;
        ++durable;
      });
    }
  }
  store_.reset();
  EXPECT_EQ(durable, kWriters * kBatches);
  Open();
  ExpectAll();
}

TEST_F(StoreHoldTest, AFullDiskIsSaidAtOnceAndEndsByItself) {
  options_.maintenance_interval = absl::Milliseconds(1);
  Open();
  for (int number = 0; number < kBatches; ++number) {
    for (int writer = 0; writer < kWriters; ++writer) {
      if (number == kBatches / 3 && writer % 4 == 0) files_.FillDiskAfter(1000);
      absl::Status status = TryAppend(Batch(writer, number));
      while (!status.ok()) {
        ASSERT_TRUE(absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) << status;
        files_.HealWrites();
        status = TryAppend(Batch(writer, number));
      }
    }
  }
  ExpectAll();
}

}  // namespace
}  // namespace leadline::collector::store::engine
