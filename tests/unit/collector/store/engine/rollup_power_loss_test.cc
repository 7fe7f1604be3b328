// The power fails while rollups are made, written to and read back: after every start they say what
// the samples do that are there.
#include <filesystem>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/collector/store/engine/lossy_disk.h"
#include "tests/unit/collector/store/engine/rollup_fixture.h"
#include "tests/unit/collector/store/rounds.h"

namespace leadline::collector::store::engine {
namespace {

constexpr int kPowerCuts = 20;

class RollupPowerLoss : public RollupFixture, public testing::WithParamInterface<uint32_t> {
 protected:
  RollupPowerLoss()
      : random_(GetParam()), disk_(MakeScratch()), files_(disk_), env_(disk_.MakeEnv()) {
    options_.files = &files_;
    options_.window_env = env_.get();
    options_.head_shards = 2;
    options_.flush_log_bytes = 8000;
    options_.maintenance_interval = absl::Milliseconds(5);
    clock_.AdvanceMs(10 * kDay);
  }
  ~RollupPowerLoss() override { store_.reset(); }  // before what it uses

  void SetUp() override {}  // opened by the rounds

  std::string MakeScratch() {
    std::filesystem::create_directory(dir_.File("scratch"));
    return dir_.File("scratch");
  }

  bool AppendSome() {
    WriteBatch batch;
    for (int i = 0; i < 3; ++i) {
      const auto handles = store_->Resolve(
          kTenant, {{"m", HashId({std::to_string(i)}), LabelSet({{"n", std::to_string(i)}})}});
      if (!handles.ok()) return false;
      batch.series.push_back(handles->front());
    }
    // A stretch that begins at any minute of two days, or with hours that are rolled up at once.
    const int64_t grid_ms = random_() % 4 == 0 ? 4 * kHour : kMinute;
    int64_t ts_ms = kT0 + static_cast<int64_t>(random_() % (2 * kDay / grid_ms)) * grid_ms;
    for (int i = 0; i < 40; ++i) {
      FloatFrame frame{ts_ms, {0, 1, 2}, {}};
      for (int k = 0; k < 3; ++k) frame.values.push_back(static_cast<double>(++value_ % 50));
      batch.floats.push_back(std::move(frame));
      ts_ms += 15'000;
    }
    return TryAppend(std::move(batch)).ok();
  }

  void CompareAll() {
    for (const int64_t resolution_ms : {kMinute, kHour}) {
      used_ += Compare({Name("m")}, kT0 - kHour, kT0 + 2 * kDay + kHour, resolution_ms,
                       resolution_ms == kMinute ? 10 * kMinute : kHour);
    }
  }

  std::mt19937 random_;
  LossyDisk disk_;
  LossyFiles files_;
  const std::unique_ptr<rocksdb::Env> env_;
  uint64_t value_ = 0;
  uint64_t used_ = 0;
};

TEST_P(RollupPowerLoss, LeavesNoRollupsThatCountAndLackSomething) {
  int cut = 0;
  for (int round = 0; round < kPowerCuts; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    ASSERT_NO_FATAL_FAILURE(Open());
    ASSERT_NO_FATAL_FAILURE(CompareAll());
    ASSERT_FALSE(HasFailure());
    disk_.CutPowerAfter(random_() % 600);
    bool alive = true;
    for (int i = 0; alive && i < 30; ++i) {
      switch (random_() % 4) {
        case 0:
          alive = store_->Flush().ok();
          break;
        case 1:
          alive = store_->RollUp().ok();
          break;
        default:
          alive = AppendSome();
      }
    }
    cut += alive ? 0 : 1;
    store_.reset();
    disk_.LosePower(random_);
  }
  ASSERT_NO_FATAL_FAILURE(Open());
  Flush();
  RollUp();
  CompareAll();
  EXPECT_GT(cut, kPowerCuts / 3);  // it was about something
  EXPECT_GT(used_, 0);
  EXPECT_FALSE(std::filesystem::exists(options_.dir + "/quarantine"));
}

INSTANTIATE_TEST_SUITE_P(Seeds, RollupPowerLoss, testing::Range(1u, 1u + Rounds(1u)));

}  // namespace
}  // namespace leadline::collector::store::engine
