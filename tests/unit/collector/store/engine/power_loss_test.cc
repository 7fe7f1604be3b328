// The power fails at any operation on the disk, in the log, in a flush, in a start; what was
// acknowledged must be there after the next start, and nothing that was never written.
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/collector/store/engine/lossy_disk.h"
#include "tests/unit/collector/store/engine/store_fixture.h"
#include "tests/unit/collector/store/rounds.h"

namespace leadline::collector::store::engine {
namespace {

constexpr int kSeries = 5;
constexpr int kRecords = kSeries;  // one with each batch, among what is written as if a series
constexpr int kCuts = 40;
constexpr int kMaxBatches = 60;

class PowerLossTest : public StoreFixture, public testing::WithParamInterface<uint32_t> {
 protected:
  PowerLossTest()
      : random_(GetParam()), disk_(MakeScratch()), files_(disk_), env_(disk_.MakeEnv()) {
    options_.files = &files_;
    options_.window_env = env_.get();
    options_.log_segment_bytes = 2000;
    options_.head_shards = 2;
    options_.flush_log_bytes = 4000;
    options_.maintenance_interval = absl::Milliseconds(5);
    clock_.AdvanceMs(10 * kDay);
  }
  ~PowerLossTest() override { store_.reset(); }  // before what it uses

  void SetUp() override {}  // opened by the rounds

  std::string MakeScratch() {
    std::filesystem::create_directory(dir_.File("scratch"));
    return dir_.File("scratch");
  }

  static model::SeriesDefinition Series(int number) {
    return {"m", HashId({"e", std::to_string(number % 2)}),
            LabelSet({{"n", std::to_string(number)}})};
  }

  // The value says which batch wrote it.
  void AppendOne() {
    WriteBatch batch;
    batch.writer = writer_;
    batch.sequence = sequence_ + 1;
    const int64_t ts_ms = kT0 + static_cast<int64_t>(random_() % (3 * kDay / 1000)) * 1000;
    FloatFrame frame{ts_ms, {}, {}};
    for (int number = 0; number < kSeries; ++number) {
      if (random_() % 2 == 0) continue;
      const auto handles = store_->Resolve(kTenant, {Series(number)});
      ASSERT_TRUE(handles.ok()) << handles.status();
      frame.series.push_back(static_cast<uint32_t>(batch.series.size()));
      frame.values.push_back(static_cast<double>(batch.sequence));
      batch.series.push_back(handles->front());
      written_[number][ts_ms].insert(frame.values.back());
    }
    batch.floats.push_back(std::move(frame));
    batch.records = {{.table = model::RecordTable::kEntityVersions,
                      .key = "batch",
                      .ts_ms = ts_ms,
                      .value = std::to_string(batch.sequence)}};
    written_[kRecords][ts_ms].insert(static_cast<double>(batch.sequence));
    if (!TryAppend(batch).ok()) {
      alive_ = false;
      return;
    }
    ++sequence_;
    for (int number = 0; number <= kRecords; ++number) {
      const auto& samples = written_[number];
      const auto at = samples.find(ts_ms);
      if (at != samples.end() && at->second.contains(static_cast<double>(sequence_))) {
        acknowledged_[number][ts_ms] = static_cast<double>(sequence_);
      }
    }
  }

  std::map<int64_t, double> Found(int number) {
    std::map<int64_t, double> found;
    if (number == kRecords) {
      const auto records = store_->queryable().Records(kTenant, {.key = "batch"});
      EXPECT_TRUE(records.ok()) << records.status();
      if (!records.ok()) return found;
      for (const model::Record& record : *records) found[record.ts_ms] = std::stod(record.value);
      return found;
    }
    for (const SeriesBlock& block : Select({Name("m"), Equal("n", std::to_string(number))})) {
      for (size_t i = 0; i < block.ts_ms.size(); ++i) found[block.ts_ms[i]] = block.values[i];
    }
    return found;
  }

  void Check() {
    ASSERT_GE(store_->LastSequence(kTenant, writer_), sequence_);
    sequence_ = store_->LastSequence(kTenant, writer_);
    for (int number = 0; number <= kRecords; ++number) {
      std::map<int64_t, double> found = Found(number);
      for (const auto& [ts_ms, value] : acknowledged_[number]) {
        ASSERT_TRUE(found.contains(ts_ms)) << "series " << number << " lost " << value;
        // What was written later and not acknowledged may have come through.
        ASSERT_GE(found[ts_ms], value) << "series " << number;
      }
      for (const auto& [ts_ms, value] : found) {
        ASSERT_TRUE(written_[number][ts_ms].contains(value)) << "series " << number << " " << value;
        acknowledged_[number][ts_ms] = value;  // it has been served
      }
    }
  }

  std::mt19937 random_;
  LossyDisk disk_;
  LossyFiles files_;
  const std::unique_ptr<rocksdb::Env> env_;
  const WriterId writer_{HashId({"agent"}), 1};
  uint64_t sequence_ = 0;
  bool alive_ = true;
  std::map<int, std::map<int64_t, double>> acknowledged_;
  std::map<int, std::map<int64_t, std::set<double>>> written_;
};

TEST_P(PowerLossTest, LosesNothingThatWasAcknowledged) {
  int cut = 0;
  for (int round = 0; round < kCuts; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    // Some starts do not get through either.
    if (round % 4 == 3) {
      disk_.CutPowerAfter(random_() % 40);
      if (!OpenStore(options_).ok()) ++cut;
      disk_.LosePower(random_);
    }
    ASSERT_NO_FATAL_FAILURE(Open());
    ASSERT_NO_FATAL_FAILURE(Check());
    alive_ = true;
    disk_.CutPowerAfter(random_() % 400);
    for (int i = 0; alive_ && i < kMaxBatches; ++i) {
      if (random_() % 15 == 0) {
        alive_ = store_->Flush().ok();
      } else {
        ASSERT_NO_FATAL_FAILURE(AppendOne());
      }
    }
    cut += alive_ ? 0 : 1;
    store_.reset();
    disk_.LosePower(random_);
  }
  ASSERT_NO_FATAL_FAILURE(Open());
  ASSERT_NO_FATAL_FAILURE(Check());
  ASSERT_NO_FATAL_FAILURE(Flush());
  EXPECT_GT(cut, kCuts / 2);  // it was about something
  EXPECT_GT(sequence_, 100u);
  EXPECT_FALSE(std::filesystem::exists(options_.dir + "/quarantine"));
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerLossTest, testing::Range(1u, 1u + Rounds(4u)));

}  // namespace
}  // namespace leadline::collector::store::engine
