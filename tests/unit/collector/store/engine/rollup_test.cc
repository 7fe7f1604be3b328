// Rollups: when they are made, when they are used, and that they say what samples do.
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "tests/unit/collector/store/engine/rollup_fixture.h"
#include "tests/unit/collector/store/rounds.h"

namespace leadline::collector::store::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Id128 kEntity = HashId({"entity", "0"});

model::SeriesDefinition Counter(const std::string& metric = "requests_total") {
  return {metric, kEntity, LabelSet()};
}

class RollupTest : public RollupFixture {
 protected:
  // A counter that goes up by 3 each 15 s and is reset each 100 samples.
  void AppendCounter(int64_t from_ms, int64_t to_ms, const std::string& metric = "requests_total") {
    WriteBatch batch;
    batch.series = {Resolve(Counter(metric))};
    for (int64_t ts_ms = from_ms; ts_ms < to_ms; ts_ms += 15'000) {
      batch.floats.push_back({ts_ms, {0}, {static_cast<double>(3 * (ts_ms / 15'000 % 100))}});
    }
    Append(std::move(batch));
  }
  ReadCounts CountsOf(int64_t after_ms, int64_t up_to_ms, int64_t resolution_ms) {
    return ReadAll({Name("requests_total")}, after_ms, up_to_ms, {Summary::kRise, resolution_ms})
        .counts;
  }
};

TEST_F(RollupTest, AreMadeOfWhatIsOverAndUsedWhereTheyMayBe) {
  AppendCounter(kT0, kT0 + 30 * kHour);
  Flush();
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kHour).hours, 0);
  clock_.AdvanceMs(5 * kHour + 15 * kMinute);  // the last hour may still be in the head
  RollUp();
  const ReadCounts by_hour = CountsOf(kT0, kT0 + 30 * kHour, kHour);
  EXPECT_EQ(by_hour.hours, 28);  // four hours are made at a time
  EXPECT_EQ(by_hour.minutes, 0);
  EXPECT_EQ(by_hour.samples, 2 * 28 + 2 * 240 - 1);
  EXPECT_EQ(CountsOf(kT0, kT0 + 30 * kHour, kMinute).minutes, 28 * 60);
  EXPECT_EQ(CountsOf(kT0, kT0 + 30 * kHour, kHour - 1).minutes, 28 * 60);
  EXPECT_EQ(CountsOf(kT0, kT0 + 30 * kHour, kMinute - 1).minutes, 0);
  for (const int64_t resolution_ms : {kMinute, kHour}) {
    EXPECT_GT(Compare({Name("requests_total")}, kT0 - kHour, kT0 + 30 * kHour, resolution_ms,
                      resolution_ms),
              0);
    Compare({Name("requests_total")}, kT0 - kHour, kT0 + 30 * kHour, resolution_ms, 31 * kHour);
  }
}

TEST_F(RollupTest, AreUsedForWholeBucketsOnly) {
  AppendCounter(kT0, kT0 + kDay);
  Flush();
  clock_.AdvanceMs(kDay);
  RollUp();
  const ReadCounts counts = CountsOf(kT0 + kMinute / 2, kT0 + 3 * kMinute + 1, kMinute);
  EXPECT_EQ(counts.minutes, 2);
}

TEST_F(RollupTest, OutliveTheSamples) {
  AppendCounter(kT0, kT0 + kDay);
  Flush();
  clock_.AdvanceMs(kDay);
  RollUp();
  const auto before =
      ReadAll({Name("requests_total")}, kT0, kT0 + kDay, {Summary::kRise, kHour}).blocks;
  ASSERT_EQ(before.size(), 1);
  options_.retention_ms = 2 * kDay;
  clock_.AdvanceMs(10 * kDay);
  AppendCounter(kT0 + 10 * kDay, kT0 + 10 * kDay + kHour);
  Flush();
  Open();
  Flush();
  ASSERT_TRUE(store_->DropBefore(0).ok());
  options_.maintenance_interval = absl::Milliseconds(1);
  Open();
  // Retention is applied in the background.
  while (std::filesystem::exists(options_.dir + "/windows/raw/2023-11-15")) {
    ASSERT_TRUE(store_->Health().ok());
  }
  EXPECT_THAT(ReadAll({Name("requests_total")}, kT0, kT0 + kDay, {}).blocks, IsEmpty());
  // Its name is known still.
  const auto names =
      store_->queryable().LabelValues(kTenant, "__name__", {.start_ms = kT0, .end_ms = kT0 + kDay});
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("requests_total"));
  const auto series = store_->queryable().Series(kTenant, {.start_ms = kT0, .end_ms = kT0 + kDay});
  ASSERT_TRUE(series.ok());
  EXPECT_EQ(series->size(), 1);
  const auto after =
      ReadAll({Name("requests_total")}, kT0, kT0 + kDay, {Summary::kRise, kHour}).blocks;
  ASSERT_EQ(after.size(), 1);
  EXPECT_EQ(after.begin()->second.ts_ms, before.begin()->second.ts_ms);
  EXPECT_EQ(after.begin()->second.values, before.begin()->second.values);
}

// Nothing could be made again of what is gone.
TEST_F(RollupTest, OfADayThatIsGoneCountWhateverComesAtTheBeginOfTheNext) {
  AppendCounter(kT0 + 1, kT0 + 2 * kDay);
  Flush();
  clock_.AdvanceMs(2 * kDay);
  RollUp();
  ASSERT_TRUE(store_->DropBefore(kT0 + kDay).ok());
  AppendSample(Counter(), kT0 + kDay, 5e8);
  Flush();
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kHour).hours, 24);
}

TEST_F(RollupTest, AreNotMadeOfProcessesNorWhereNobodyWantsThem) {
  AppendCounter(kT0, kT0 + kDay, "process_cpu_time_seconds_total");
  AppendCounter(kT0, kT0 + kDay);
  Flush();
  options_.retention_minutes_ms = 0;
  Open();
  clock_.AdvanceMs(kDay);
  RollUp();
  EXPECT_EQ(
      ReadAll({Name("process_cpu_time_seconds_total")}, kT0, kT0 + kDay, {Summary::kRise, kHour})
          .counts.hours,
      0);
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kMinute).minutes, 0);
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kHour).hours, 24);
  EXPECT_GT(Compare({Equal("__name__", "process_cpu_time_seconds_total")}, kT0, kT0 + kDay, kHour,
                    kHour) +
                1,
            0);
}

TEST_F(RollupTest, AreNotUsedForWhatCameLateAndAreMadeAnew) {
  AppendCounter(kT0, kT0 + kDay);
  Flush();
  clock_.AdvanceMs(kDay);
  RollUp();
  // In the head: the minutes around it are read as samples.
  AppendSample(Counter(), kT0 + 2 * kHour + 7, 1e9);
  const auto compare = [&] {
    Compare({Name("requests_total")}, kT0, kT0 + kDay, kMinute, kMinute);
    Compare({Name("requests_total")}, kT0, kT0 + kDay, kHour, kHour);
  };
  compare();
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kHour).hours, 23);
  // In a window: the four hours are not used at all.
  Flush();
  compare();
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kHour).hours, 20);
  RollUp();
  compare();
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kHour).hours, 24);
}

// What is at the very end of four hours, and of a day, belongs to them.
TEST_F(RollupTest, AreMadeAnewOfWhatComesAtTheVeryEnd) {
  AppendCounter(kT0 + 1, kT0 + 2 * kDay);
  Flush();
  clock_.AdvanceMs(2 * kDay);
  RollUp();
  const auto hours = [&] { return CountsOf(kT0, kT0 + 2 * kDay, kHour).hours; };
  EXPECT_EQ(hours(), 48);
  for (const int64_t at_ms : {4 * kHour, 8 * kHour, kDay}) {
    AppendSample(Counter(), kT0 + at_ms, 5e8);
    EXPECT_EQ(hours(), 47) << at_ms;
    Flush();
    EXPECT_LT(hours(), 48 - 3) << at_ms;
    Compare({Name("requests_total")}, kT0, kT0 + 2 * kDay, kHour, kHour);
    RollUp();
    EXPECT_EQ(hours(), 48) << at_ms;
    Compare({Name("requests_total")}, kT0, kT0 + 2 * kDay, kHour, kHour);
  }
}

// Where a sample ends four hours that have no other one.
TEST_F(RollupTest, HaveWhatIsAtTheVeryEndAlone) {
  for (const int64_t at_ms : {8 * kHour, kDay, 2 * kDay - 4 * kHour}) {
    AppendSample(Counter(), kT0 + at_ms, 7);
  }
  Flush();
  clock_.AdvanceMs(3 * kDay);
  RollUp();
  EXPECT_EQ(CountsOf(kT0, kT0 + 2 * kDay, kHour).hours, 3);
  EXPECT_EQ(Compare({Name("requests_total")}, kT0, kT0 + 2 * kDay, kHour, kHour), 6 * 3);
}

TEST_F(RollupTest, OfAGaugeHaveNoRise) {
  WriteBatch batch;
  batch.series = {Resolve(Counter())};
  for (int64_t ts_ms = kT0; ts_ms < kT0 + kDay; ts_ms += 15'000) {
    batch.floats.push_back({ts_ms, {0}, {static_cast<double>(ts_ms / 15'000 % 7 % 3)}});
  }
  Append(std::move(batch));
  Flush();
  clock_.AdvanceMs(kDay);
  RollUp();
  uint64_t inexact = 0;
  Compare({Name("requests_total")}, kT0, kT0 + kDay, kHour, kHour, &inexact);
  EXPECT_EQ(inexact, 0);  // samples are read in their place
}

TEST_F(RollupTest, StayAndAreFoundAfterAStart) {
  AppendCounter(kT0, kT0 + kDay);
  Flush();
  clock_.AdvanceMs(kDay);
  RollUp();
  Open();
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kHour).hours, 24);
  AppendSample(Counter(), kT0 + 5 * kHour + 1, 7);
  Flush();
  Open();
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kHour).hours, 20);
  RollUp();
  Open();
  EXPECT_EQ(CountsOf(kT0, kT0 + kDay, kHour).hours, 24);
  Compare({Name("requests_total")}, kT0, kT0 + kDay, kHour, kHour);
}

TEST_F(RollupTest, AreNotTakenForSeriesOfTheirTime) {
  AppendCounter(kT0, kT0 + kHour, "early_total");
  AppendCounter(kT0 + 5 * kDay, kT0 + 5 * kDay + kHour, "late_total");
  Flush();
  clock_.AdvanceMs(10 * kDay);
  RollUp();
  const auto names =
      store_->queryable().LabelValues(kTenant, "__name__", {.start_ms = kT0 + 5 * kDay});
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, ElementsAre("late_total"));
}

// Random series with resets, gaps, markers, restarts, changes of labels, histograms, late samples
// and starts: whatever is asked, rollups say what the samples do.
class RollupOracle : public RollupFixture, public testing::WithParamInterface<uint32_t> {
 protected:
  static constexpr int64_t kSpan = 2 * kDay;

  RollupOracle() : random_(GetParam()) { clock_.AdvanceMs(kSpan); }

  int64_t Random(int64_t below) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(below));
  }

  model::NativeHistogram RandomHistogram(uint64_t& count) {
    if (Random(30) == 0) count = 0;
    count += static_cast<uint64_t>(Random(10));
    model::NativeHistogram histogram;
    histogram.schema = Random(200) == 0 ? 2 : 3;
    histogram.count = count;
    histogram.sum = static_cast<double>(count);
    if (count > 0) histogram.positive.push_back({4, count});
    return histogram;
  }

  // What a rate gives; the sums of these are exact. Some are of whole counts.
  model::NativeHistogram RandomRate() {
    model::NativeHistogram histogram;
    histogram.schema = 3;
    histogram.reset_hint = model::ResetHint::kGauge;
    const double low = static_cast<double>(Random(30)) / 8;
    const double high = static_cast<double>(1 + Random(30)) / 8;
    histogram.float_counts = Random(300) != 0;
    if (!histogram.float_counts) {
      histogram.count = 1;
      histogram.positive = {{4, 1}};
      return histogram;
    }
    histogram.count = model::FloatCount(low + high);
    histogram.sum = low - high;
    if (low > 0) histogram.positive.push_back({-2, model::FloatCount(low)});
    histogram.positive.push_back({4, model::FloatCount(high)});
    return histogram;
  }

  void AppendRandom() {
    WriteBatch batch;
    const int entity = static_cast<int>(Random(5));
    const Id128 id = HashId({"entity", std::to_string(entity)});
    if (Random(4) == 0) {
      model::EntityVersion version;
      version.id = id;
      version.labels = LabelSet({{"pod", "pod" + std::to_string(Random(3))}});
      // Some begin at the same time.
      version.start_ms = kT0 + (entity / 2) * 7 * kHour + 12'345;
      version.valid_from_ms = Random(2) == 0 ? version.start_ms : kT0 + Random(kSpan);
      version.revision = ++revision_;
      batch.entities.push_back(version);
    }
    for (const char* metric : {"a_total", "b", "c", "rate"}) {
      batch.series.push_back(Resolve({metric, id, LabelSet()}));
    }
    int64_t& now_ms = now_ms_[entity];
    for (int64_t i = 0; i < 1 + Random(400); ++i) {
      now_ms = std::min(now_ms + 1 + Random(Random(50) == 0 ? 3 * kHour : 40'000), kSpan - 1);
      if (Random(6) == 0) now_ms = std::min(rollup::BucketEnd(now_ms, kMinute), kSpan - 1);
      const int64_t ts_ms = kT0 + (Random(300) == 0 ? Random(kSpan) : now_ms);
      double& counter = counters_[entity];
      counter = Random(60) == 0 ? 0 : counter + static_cast<double>(Random(9));
      FloatFrame frame{ts_ms, {0, 1}, {counter, static_cast<double>(Random(1000))}};
      if (Random(100) == 0) frame.values[0] = model::StaleNan();
      batch.floats.push_back(std::move(frame));
      if (Random(2) == 0) {
        batch.histograms.push_back(
            {ts_ms, {2, 3}, {RandomHistogram(histograms_[entity]), RandomRate()}});
      }
    }
    Append(std::move(batch));
  }

  void CompareRandom() {
    const int64_t resolution_ms = Random(2) == 0 ? kMinute : kHour;
    const int64_t units = kSpan / resolution_ms;
    const int64_t first = Random(units);
    const int64_t last = first + 1 + Random(units - first);
    const int64_t range_ms = resolution_ms * (1 + Random(std::min<int64_t>(last - first, 24)));
    const char* const metrics[] = {"a_total", "b", "c", "rate"};
    used_ += Compare({Name(metrics[Random(4)])}, kT0 + first * resolution_ms,
                     kT0 + last * resolution_ms, resolution_ms, range_ms);
  }

  std::mt19937 random_;
  uint64_t revision_ = 0;
  uint64_t used_ = 0;
  std::map<int, int64_t> now_ms_;
  std::map<int, double> counters_;
  std::map<int, uint64_t> histograms_;
};

TEST_P(RollupOracle, SaysWhatTheSamplesDo) {
  for (int step = 0; step < 80; ++step) {
    const int64_t what = Random(100);
    if (what < 55) {
      ASSERT_NO_FATAL_FAILURE(AppendRandom());
    } else if (what < 82) {
      CompareRandom();
    } else if (what < 90) {
      ASSERT_NO_FATAL_FAILURE(Flush());
    } else if (what < 97) {
      ASSERT_NO_FATAL_FAILURE(RollUp());
    } else {
      ASSERT_NO_FATAL_FAILURE(Open());
    }
    ASSERT_FALSE(HasFailure()) << "step " << step;
  }
  Flush();
  RollUp();
  for (int i = 0; i < 20; ++i) CompareRandom();
  EXPECT_GT(used_, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RollupOracle, testing::Range(1u, 1u + Rounds(4u)));

}  // namespace
}  // namespace leadline::collector::store::engine
