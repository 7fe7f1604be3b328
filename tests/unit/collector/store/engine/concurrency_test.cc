// Writers, readers and flushes at once.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::store::engine {
namespace {

constexpr int kWriters = 3;
constexpr int kBatches = 150;
constexpr int kFlushes = 5;

class ConcurrencyTest : public StoreFixture {
 protected:
  void Write(int writer) {
    const model::EntityVersion entity =
        Container(std::to_string(writer), LabelSet({{"pod", std::to_string(writer)}}), kT0);
    for (int i = 1; i <= kBatches; ++i) {
      WriteBatch batch = Sample({"m", entity.id, {}}, kT0 + i * (kDay / 100), i);
      batch.writer = {entity.id, 1};
      batch.sequence = static_cast<uint64_t>(i);
      batch.entities = {entity};
      Append(std::move(batch));
    }
  }

  // What a reader sees of a writer is always the first so many of its samples.
  void Read() {
    for (const SeriesBlock& block : Select({Name("m")})) {
      for (size_t i = 0; i < block.values.size(); ++i) {
        ASSERT_EQ(block.values[i], static_cast<double>(i + 1)) << block.labels->ToString();
      }
    }
    EXPECT_TRUE(store_->queryable().LabelValues(kTenant, "pod", {}).ok());
    EXPECT_TRUE(store_->queryable().EntitiesAt(kTenant, kT0).ok());
  }
};

TEST_F(ConcurrencyTest, ReadersSeeWholePrefixesWhileItIsWrittenAndFlushed) {
  std::atomic<int> writing = kWriters;
  std::vector<std::thread> threads;
  threads.reserve(kWriters + 3);
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([this, writer, &writing] {
      Write(writer);
      --writing;
    });
  }
  threads.emplace_back([this] {
    for (int i = 0; i < kFlushes; ++i) Flush();
  });
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([this, &writing] {
      while (writing > 0) Read();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto blocks = Select({Name("m")});
  ASSERT_EQ(blocks.size(), static_cast<size_t>(kWriters));
  for (const SeriesBlock& block : blocks) EXPECT_EQ(block.values.size(), size_t{kBatches});
}

}  // namespace
}  // namespace leadline::collector::store::engine
