#include "collector/store/engine/retention.h"

#include <filesystem>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/chunk/window_time.h"
#include "tests/unit/collector/store/engine/faults_fixture.h"

namespace leadline::collector::store::engine {
namespace {

using testing::ElementsAre;

constexpr int64_t kDayMs = chunk::kWindowMs;

TEST(Retention, DropsTheOldestUntilTheRestFits) {
  const std::map<int64_t, uint64_t> sizes = {
      {kDayMs - 1, 10}, {2 * kDayMs - 1, 20}, {4 * kDayMs - 1, 30}};
  EXPECT_EQ(KeptFromBySize(sizes, 60), chunk::kBeforeAllTime);
  EXPECT_EQ(KeptFromBySize(sizes, 59), kDayMs);
  EXPECT_EQ(KeptFromBySize(sizes, 50), kDayMs);
  EXPECT_EQ(KeptFromBySize(sizes, 49), 2 * kDayMs);
  // Never the newest.
  EXPECT_EQ(KeptFromBySize(sizes, 1), 2 * kDayMs);
  EXPECT_EQ(KeptFromBySize({{kDayMs - 1, 10}}, 1), chunk::kBeforeAllTime);
  EXPECT_EQ(KeptFromBySize({}, 1), chunk::kBeforeAllTime);
}

class RetentionTest : public FaultsFixture {};

TEST_F(RetentionTest, DropsWholeWindowsAndRefusesOlderSamples) {
  for (int64_t day = 0; day < 3; ++day) AppendSample(series_, kT0 + day * kDay, double(day));
  Flush();
  ASSERT_TRUE(store_->DropBefore(kT0 + kDay + 1).ok());
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 86400000=1 172800000=2)"));
  EXPECT_EQ(files_.List(options_.dir + "/windows/raw")->size(), 2u);
  EXPECT_EQ(Metric("windows_dropped_total"), 1);

  options_.retention_ms = kDay;
  clock_.AdvanceMs(2 * kDay);  // now is kT0 + 3 days
  Reopen();
  AppendSample(series_, kT0 + 2 * kDay - 1, 7);
  AppendSample(series_, kT0 + 2 * kDay + 1, 8);
  EXPECT_EQ(Metric("samples_dropped_total"), 1);
  ASSERT_TRUE(store_->DropBefore(kT0 + 2 * kDay).ok());
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 172800000=2 172800001=8)"));
}

TEST_F(RetentionTest, SeriesOfProcessesAreKeptForTheirOwnTime) {
  options_.retention_ms = 10 * kDay;
  options_.retention_processes_ms = kDay;
  clock_.AdvanceMs(3 * kDay);  // now is kT0 + 4 days
  Reopen();
  const model::SeriesDefinition process{"process_thread_count", HashId({"p"}), {}};
  WriteBatch entity;
  entity.entities = {Container("p", LabelSet({{"pid", "7"}}), kT0)};
  entity.entities[0].id = process.entity;
  Append(std::move(entity));
  for (int64_t day = 0; day < 5; ++day) {
    AppendSample(series_, kT0 + day * kDay, double(day));
    AppendSample(process, kT0 + day * kDay, double(day));
  }
  Flush();
  const std::string processes = options_.dir + "/windows/processes";
  while (files_.List(processes)->size() > 2) std::this_thread::yield();
  EXPECT_EQ(Select({Name("m")})[0].ts_ms.size(), 5u);
  EXPECT_THAT(Texts(Select({Name("process_thread_count")})),
              ElementsAre(R"({__name__="process_thread_count", pid="7"} 259200000=3 345600000=4)"));
  EXPECT_THAT(*files_.List(processes), ElementsAre("2023-11-18", "2023-11-19"));
  EXPECT_EQ(files_.List(options_.dir + "/windows/raw")->size(), 5u);
  // Through another start.
  Reopen();
  EXPECT_EQ(Select({Name("process_thread_count")})[0].ts_ms.size(), 2u);
}

TEST_F(RetentionTest, CountsAllFilesOfAWindow) {
  for (int64_t day = 0; day < 2; ++day) AppendSample(series_, kT0 + day * kDay, double(day));
  Flush();
  Reopen();
  const auto count_until_equal = [&] {
    uint64_t tables = 0;
    uint64_t all = 0;
    do {
      std::this_thread::yield();
      tables = all = 0;
      for (const auto& file :
           std::filesystem::recursive_directory_iterator(options_.dir + "/windows")) {
        if (!file.is_regular_file()) continue;
        all += file.file_size();
        if (file.path().extension() == ".sst") tables += file.file_size();
      }
    } while (Metric("window_bytes") != static_cast<double>(all));
    EXPECT_GT(tables, 0u);
    EXPECT_GT(all, 2 * tables);  // these windows are mostly RocksDB's own files
  };
  count_until_equal();
  // What is written is counted when it is there.
  AppendSample(series_, kT0 + kDay + 1, 7);
  Flush();
  count_until_equal();
}

TEST_F(RetentionTest, BySizeDropsTheOldestWindows) {
  for (int64_t day = 0; day < 4; ++day) AppendSample(series_, kT0 + day * kDay, double(day));
  Flush();
  Reopen();
  // Looked at once a second, and at once after a start.
  while (Metric("window_bytes") == 0) std::this_thread::yield();
  const double all = Metric("window_bytes");
  EXPECT_GT(all, 0);
  EXPECT_EQ(Metric("windows_dropped_total"), 0);
  options_.retention_bytes = static_cast<uint64_t>(all * 0.6);
  Reopen();
  while (Metric("windows_dropped_total") < 2) std::this_thread::yield();
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 172800000=2 259200000=3)"));
  // The newest stays, however large.
  options_.retention_bytes = 1;
  Reopen();
  while (Metric("windows_dropped_total") < 1) std::this_thread::yield();
  EXPECT_THAT(Texts(Select({Name("m")})), ElementsAre(R"({__name__="m"} 259200000=3)"));
}

TEST(RetentionTime, FollowsAClockThatIsSetAheadADayLater) {
  constexpr int64_t kMinute = 60'000;
  ManualClock clock(kT0);
  RetentionTime time(clock);
  clock.AdvanceMs(100 * kDay);  // however long nobody asked
  EXPECT_EQ(time.NowMs(), kT0 + 100 * kDay);
  clock.StepMs(5 * kMinute);  // a correction
  EXPECT_EQ(time.NowMs(), clock.NowUnixMs());
  const int64_t before_ms = clock.NowUnixMs();
  clock.StepMs(30 * kDay);
  EXPECT_EQ(time.NowMs(), before_ms);
  clock.AdvanceMs(kDay - kMinute);
  EXPECT_EQ(time.NowMs(), before_ms + kDay - kMinute);
  clock.AdvanceMs(kMinute);
  EXPECT_EQ(time.NowMs(), clock.NowUnixMs());
  // Set ahead and back.
  clock.StepMs(30 * kDay);
  EXPECT_EQ(time.NowMs(), clock.NowUnixMs() - 30 * kDay);
  clock.StepMs(-30 * kDay);
  EXPECT_EQ(time.NowMs(), clock.NowUnixMs());
  clock.AdvanceMs(2 * kDay);
  clock.StepMs(30 * kDay);
  EXPECT_EQ(time.NowMs(), clock.NowUnixMs() - 30 * kDay);
  // Back in time it is followed at once.
  clock.StepMs(-300 * kDay);
  EXPECT_EQ(time.NowMs(), clock.NowUnixMs());
}

// Also when somebody writes by it.
TEST_F(RetentionTest, AClockThatIsSetAheadWhileItRunsEmptiesNothing) {
  options_.retention_ms = 2 * kDay;
  options_.maintenance_interval = absl::Milliseconds(1);
  Reopen();
  AppendSample(series_, kT0, 1);
  Flush();
  clock_.StepMs(100 * kDay);
  AppendSample(series_, clock_.NowUnixMs(), 2);
  AppendSample(series_, kT0 + 1, 3);  // of those whose clock is right
  Flush();
  EXPECT_EQ(Metric("samples_dropped_total"), 0);
  SelectHints hints;
  hints.end_ms = clock_.NowUnixMs();
  EXPECT_THAT(Texts(Select({Name("m")}, hints)),
              ElementsAre(R"({__name__="m"} 0=1 1=3 8726400000=2)"));
  clock_.AdvanceMs(kDay);
  while (Metric("windows_dropped_total") < 1) std::this_thread::yield();
  hints.end_ms = clock_.NowUnixMs();
  EXPECT_THAT(Texts(Select({Name("m")}, hints)), ElementsAre(R"({__name__="m"} 8726400000=2)"));
}

TEST_F(RetentionTest, AClockThatJumpsAheadEmptiesNothing) {
  options_.retention_ms = kDay;
  for (int64_t day = 0; day < 3; ++day) AppendSample(series_, kT0 + day * kDay, double(day));
  Flush();
  AppendSample(series_, kT0 + 2 * kDay + 1, 3);
  clock_.AdvanceMs(100 * kDay);
  Reopen();  // reads the log, and begins to drop windows
  Reopen();  // when that is done
  EXPECT_THAT(Texts(Select({Name("m")})),
              ElementsAre(R"({__name__="m"} 86400000=1 172800000=2 172800001=3)"));
}

}  // namespace
}  // namespace leadline::collector::store::engine
