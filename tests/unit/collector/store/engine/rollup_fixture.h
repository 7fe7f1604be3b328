// What rollups say of ranges, beside what all samples say of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "collector/store/rollup/buckets.h"
#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::store::engine {

inline constexpr int64_t kHour = rollup::kHourMs;
inline constexpr int64_t kMinute = rollup::kMinuteMs;

// What one range of a series comes to, from samples or from what stands for them.
struct RangeTotals {
  uint64_t count = 0;
  double sum = 0;
  double min = std::numeric_limits<double>::quiet_NaN();
  double max = std::numeric_limits<double>::quiet_NaN();
  double rise = 0;
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  double first = 0;
  double last = 0;
  uint64_t histograms = 0;
  // The parts of all histograms together, and the ends.
  std::map<int32_t, double> histogram_sum;
  model::NativeHistogram first_histogram;
  model::NativeHistogram last_histogram;

  static RangeTotals Of(const SeriesBlock& block, int64_t after_ms, int64_t up_to_ms) {
    RangeTotals totals;
    const bool is_summary = block.is_summary();
    bool any = false;
    double lost = 0;
    for (size_t i = FirstAfter(after_ms, block.ts_ms);
         i < block.ts_ms.size() && block.ts_ms[i] <= up_to_ms; ++i) {
      const double value = block.values[i];
      if (model::IsStaleNan(value)) continue;
      totals.count += is_summary ? block.counts[i] : 1;
      totals.sum += value;
      if (!(totals.min <= value)) totals.min = value;
      if (!(totals.max >= value)) totals.max = value;
      if (!any) {
        totals.first_ms = block.ts_ms[i];
        totals.first = value;
      } else if (is_summary && !std::isnan(block.lost[i])) {
        lost += block.lost[i];
      } else if (value < totals.last) {
        lost += totals.last;
      }
      totals.last_ms = block.ts_ms[i];
      totals.last = value;
      any = true;
    }
    totals.rise = any ? totals.last - totals.first + lost : 0;
    for (size_t i = FirstAfter(after_ms, block.histogram_ts_ms);
         i < block.histogram_ts_ms.size() && block.histogram_ts_ms[i] <= up_to_ms; ++i) {
      const model::NativeHistogram& histogram = block.histograms[i];
      if (model::IsStaleNan(histogram.sum)) continue;
      if (totals.histograms == 0) totals.first_histogram = histogram;
      totals.last_histogram = histogram;
      totals.histograms += is_summary ? block.histogram_counts[i] : 1;
      for (const auto& bucket : histogram.positive) {
        totals.histogram_sum[bucket.index] += histogram.AsDouble(bucket.count);
      }
      totals.histogram_sum[kCountOfAll] += histogram.AsDouble(histogram.count);
    }
    return totals;
  }

 private:
  static constexpr int32_t kCountOfAll = INT32_MAX;
  static size_t FirstAfter(int64_t after_ms, const std::vector<int64_t>& ts_ms) {
    return static_cast<size_t>(std::upper_bound(ts_ms.begin(), ts_ms.end(), after_ms) -
                               ts_ms.begin());
  }
};

class RollupFixture : public StoreFixture {
 protected:
  RollupFixture() {
    options_.retention_minutes_ms = 400 * kDay;
    options_.retention_hours_ms = 400 * kDay;
    // Only when they are told to.
    options_.maintenance_interval = absl::Hours(1);
  }

  void RollUp() {
    const absl::Status status = store_->RollUp();
    ASSERT_TRUE(status.ok()) << status;
  }

  struct Read {
    std::map<std::string, SeriesBlock> blocks;  // by labels
    ReadCounts counts;
  };
  Read ReadAll(const std::vector<Matcher>& matchers, int64_t after_ms, int64_t up_to_ms,
               RollupHints rollups) {
    Read read;
    SelectHints hints{.start_ms = after_ms + 1, .end_ms = up_to_ms, .rollups = rollups};
    const auto selection = store_->queryable().Find(kTenant, matchers, hints);
    EXPECT_TRUE(selection.ok()) << selection.status();
    if (!selection.ok()) return read;
    const absl::Status status =
        (*selection)->Read(0, (*selection)->size(), [&](SeriesBlock& block) {
          read.blocks[block.labels->ToString()] = std::move(block);
          block = {};
          return absl::OkStatus();
        });
    EXPECT_TRUE(status.ok()) << status;
    read.counts = (*selection)->counts();
    return read;
  }

  // Compares ranges of whole buckets, as samples and as each summary; gives how many buckets of
  // rollups were used.
  uint64_t Compare(const std::vector<Matcher>& matchers, int64_t after_ms, int64_t up_to_ms,
                   int64_t resolution_ms, int64_t range_ms, uint64_t* inexact = nullptr) {
    const Read samples = ReadAll(matchers, after_ms, up_to_ms, {});
    uint64_t used = 0;
    for (const Summary summary : {Summary::kRise, Summary::kEnds, Summary::kCount, Summary::kSum,
                                  Summary::kMin, Summary::kMax}) {
      const Read rolled = ReadAll(matchers, after_ms, up_to_ms, {summary, resolution_ms});
      used += rolled.counts.minutes + rolled.counts.hours;
      if (inexact != nullptr) *inexact += rolled.counts.inexact;
      for (const auto& [labels, block] : samples.blocks) {
        const auto it = rolled.blocks.find(labels);
        const SeriesBlock empty;
        const SeriesBlock& other = it == rolled.blocks.end() ? empty : it->second;
        for (int64_t end_ms = up_to_ms; end_ms - range_ms >= after_ms; end_ms -= range_ms) {
          const RangeTotals expected = RangeTotals::Of(block, end_ms - range_ms, end_ms);
          const RangeTotals got = RangeTotals::Of(other, end_ms - range_ms, end_ms);
          const std::string where =
              labels + " of summary " + std::to_string(static_cast<int>(summary)) + " by " +
              std::to_string(resolution_ms) + " up to " + std::to_string(end_ms - kT0) + " for " +
              std::to_string(range_ms);
          CompareTotals(summary, expected, got, where);
          if (testing::Test::HasFailure()) return used;
        }
      }
    }
    return used;
  }

  static void CompareTotals(Summary summary, const RangeTotals& expected, const RangeTotals& got,
                            const std::string& where) {
    EXPECT_EQ(got.count, expected.count) << where;
    EXPECT_EQ(got.histograms, expected.histograms) << where;
    if (summary == Summary::kSum) {
      EXPECT_EQ(got.histogram_sum, expected.histogram_sum) << where;
    } else {
      EXPECT_EQ(got.first_histogram, expected.first_histogram) << where;
      EXPECT_EQ(got.last_histogram, expected.last_histogram) << where;
    }
    if (expected.count == 0) return;
    switch (summary) {
      case Summary::kRise:
        EXPECT_EQ(got.rise, expected.rise) << where;
        [[fallthrough]];
      case Summary::kEnds:
        EXPECT_EQ(got.first_ms, expected.first_ms) << where;
        EXPECT_EQ(got.last_ms, expected.last_ms) << where;
        EXPECT_EQ(got.first, expected.first) << where;
        EXPECT_EQ(got.last, expected.last) << where;
        break;
      case Summary::kSum:
        EXPECT_EQ(got.sum, expected.sum) << where;
        break;
      case Summary::kMin:
        EXPECT_EQ(got.min, expected.min) << where;
        break;
      case Summary::kMax:
        EXPECT_EQ(got.max, expected.max) << where;
        break;
      case Summary::kCount:
      case Summary::kSamples:
        break;
    }
  }
};

}  // namespace leadline::collector::store::engine
