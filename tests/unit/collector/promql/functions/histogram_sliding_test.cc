// Histograms in columns give what they give one by one.
#include "collector/promql/functions/histogram_sliding.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "collector/promql/functions/rate.h"
#include "collector/promql/value/histogram_columns.h"
#include "collector/promql/value/histogram_sum.h"
#include "collector/promql/value/remarks.h"

namespace leadline::collector::promql {
namespace {

using model::NativeHistogram;

struct Series {
  std::vector<int64_t> ts_ms;
  std::vector<NativeHistogram> histograms;
  int64_t entity_start_ms = 0;
};

class RandomSeries {
 public:
  explicit RandomSeries(std::mt19937& random) : random_(random), base_(Below(20) - 10) {}

  Series Make(int32_t schema) {
    Series series;
    int64_t ts_ms = 1 + Below(500);
    if (Below(2) == 0) series.entity_start_ms = ts_ms;
    NativeHistogram histogram;
    histogram.schema = schema;
    histogram.zero_threshold = 0.001;
    const bool floats = Below(2) == 0;
    for (int64_t left = Below(60); left > 0; --left) {
      if (Below(12) == 0) Reset(histogram);
      Observe(histogram);
      series.ts_ms.push_back(ts_ms);
      series.histograms.push_back(floats ? Fractions(histogram) : histogram);
      series.histograms.back().reset_hint =
          Below(20) == 0 ? model::ResetHint::kReset : model::ResetHint::kUnknown;
      ts_ms += Below(3) == 0 ? 1 + Below(300) : 100;
    }
    return series;
  }

  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }

 private:
  void Reset(NativeHistogram& histogram) {
    histogram.positive.clear();
    histogram.negative.clear();
    histogram.zero_count = 0;
    histogram.count = 0;
    histogram.sum = 0;
  }
  void Observe(NativeHistogram& histogram) {
    for (int64_t left = Below(4); left > 0; --left) {
      ++histogram.count;
      histogram.sum += 0.1 * static_cast<double>(Below(100)) - 2;
      if (Below(6) == 0) {
        ++histogram.zero_count;
      } else {
        Increase(Below(4) == 0 ? histogram.negative : histogram.positive,
                 static_cast<int32_t>(base_ + Below(8)));
      }
    }
  }
  // As of a sum: what is no number too.
  NativeHistogram Fractions(NativeHistogram histogram) {
    histogram.float_counts = true;
    const auto fraction = [this](uint64_t& count) {
      const double odd = Below(2) == 0 ? INFINITY : NAN;
      count = model::FloatCount(Below(200) == 0 ? odd : static_cast<double>(count) / 3);
    };
    fraction(histogram.zero_count);
    fraction(histogram.count);
    for (auto& bucket : histogram.positive) fraction(bucket.count);
    for (auto& bucket : histogram.negative) fraction(bucket.count);
    return histogram;
  }
  static void Increase(std::vector<NativeHistogram::Bucket>& buckets, int32_t index) {
    const auto at = std::lower_bound(
        buckets.begin(), buckets.end(), index,
        [](const NativeHistogram::Bucket& bucket, int32_t i) { return bucket.index < i; });
    if (at != buckets.end() && at->index == index) {
      ++at->count;
    } else {
      buckets.insert(at, {index, 1});
    }
  }

  std::mt19937& random_;
  const int64_t base_;
};

struct Steps {
  int64_t first_end_ms = 0;
  int64_t step_ms = 1;
  int64_t range_ms = 1;
  size_t count = 1;
};

WindowColumns Slide(const Series& series, const Steps& steps, HistogramSlidingKernel kernel) {
  const auto columns = AsColumns(series.histograms);
  const std::vector<uint32_t> resets = FindResets(*columns);
  const FloatWindows windows{.ts_ms = series.ts_ms,
                             .values = {},
                             .first_end_ms = steps.first_end_ms,
                             .step_ms = steps.step_ms,
                             .range_ms = steps.range_ms,
                             .entity_start_ms = series.entity_start_ms};
  return kernel({windows, *columns, resets}, steps.count);
}

// As the kernel that sees one window has it.
Sample OneWindow(const Series& series, const Steps& steps, size_t step,
                 Sample (*kernel)(const Window&)) {
  const int64_t end_ms = steps.first_end_ms + static_cast<int64_t>(step) * steps.step_ms;
  Annotations annotations;
  const Remarker remarker(annotations, "");
  std::vector<int64_t> ts_ms;
  std::vector<std::shared_ptr<const Histogram>> histograms;
  for (size_t i = 0; i < series.ts_ms.size(); ++i) {
    if (series.ts_ms[i] <= end_ms - steps.range_ms || series.ts_ms[i] > end_ms) continue;
    ts_ms.push_back(series.ts_ms[i]);
    histograms.push_back(std::make_shared<const Histogram>(Histogram::From(series.histograms[i])));
  }
  Window window;
  window.start_ms = end_ms - steps.range_ms;
  window.end_ms = end_ms;
  window.entity_start_ms = series.entity_start_ms;
  window.histogram_ts_ms = ts_ms;
  window.histograms = histograms;
  window.remarker = &remarker;
  return kernel(window);
}

TEST(HistogramSliding, GivesWhatTheKernelsGive) {
  std::mt19937 random(11);
  size_t compared = 0;
  for (int round = 0; round < 300; ++round) {
    RandomSeries make(random);
    const Series series = make.Make(0);
    if (series.histograms.empty()) continue;
    const Steps steps{make.Below(3000), 1 + make.Below(400), 1 + make.Below(2000),
                      1 + static_cast<size_t>(make.Below(40))};
    using Kernels = std::pair<HistogramSlidingKernel, Sample (*)(const Window&)>;
    for (const auto& [sliding, kernel] :
         {Kernels(SlideHistogramRate, Rate), Kernels(SlideHistogramIncrease, Increase)}) {
      const WindowColumns slid = Slide(series, steps, sliding);
      for (size_t step = 0; step < steps.count; ++step) {
        const Sample expected = OneWindow(series, steps, step, kernel);
        ASSERT_EQ(slid.has[step] != 0, expected.histogram != nullptr) << round << " " << step;
        if (expected.histogram == nullptr) continue;
        ASSERT_EQ(GaugeAt(slid.columns, step), *expected.histogram) << round << " " << step;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 1000);
}

TEST(HistogramSliding, SumsAreThoseOfHistograms) {
  std::mt19937 random(12);
  for (int round = 0; round < 60; ++round) {
    const Steps steps{1500, 250, 1200, 12};
    SumsOfColumns sums(steps.count);
    std::vector<std::unique_ptr<SumOfHistograms>> expected(steps.count);
    for (int i = 0; i < 6; ++i) {
      RandomSeries make(random);  // each with buckets elsewhere
      const Series series = make.Make(0);
      if (series.histograms.empty()) continue;
      const WindowColumns slid = Slide(series, steps, SlideHistogramRate);
      ASSERT_TRUE(sums.Takes(slid.columns));
      const size_t width = sums.WidthWith(slid.columns);
      sums.Add(slid.columns, slid.has);
      EXPECT_EQ(sums.WidthWith(slid.columns), width);
      for (size_t step = 0; step < steps.count; ++step) {
        if (slid.has[step] == 0) continue;
        const Histogram one = GaugeAt(slid.columns, step);
        if (expected[step] == nullptr) {
          expected[step] = std::make_unique<SumOfHistograms>(one);
        } else {
          expected[step]->Add(one);
        }
      }
    }
    for (size_t step = 0; step < steps.count; ++step) {
      ASSERT_EQ(sums.has(step), expected[step] != nullptr);
      if (expected[step] == nullptr) continue;
      EXPECT_EQ(sums.value(step), expected[step]->value());
      EXPECT_EQ(sums.AsSum(step).value(), expected[step]->value());
    }
  }
}

TEST(HistogramColumns, AreOfOneLayoutOnly) {
  NativeHistogram histogram;
  histogram.positive = {{1, 2}};
  EXPECT_TRUE(AsColumns({histogram, histogram}).has_value());
  NativeHistogram other = histogram;
  other.schema = 1;
  EXPECT_FALSE(AsColumns({histogram, other}).has_value());
  other = histogram;
  other.zero_threshold = 1;
  EXPECT_FALSE(AsColumns({histogram, other}).has_value());
  other = histogram;
  other.reset_hint = model::ResetHint::kGauge;
  EXPECT_FALSE(AsColumns({histogram, other}).has_value());
  other = histogram;
  other.positive.push_back({INT32_MAX, 1});
  EXPECT_TRUE(AsColumns({histogram, other}).has_value()) << "far apart";
  for (int32_t i = 2; i < 2000; ++i) histogram.positive.push_back({i, 1});
  EXPECT_FALSE(AsColumns({other, histogram}).has_value()) << "too many";
  other = {};
  other.schema = model::kCustomBuckets;
  EXPECT_FALSE(AsColumns({other}).has_value());
}

TEST(SumsOfColumns, TakeOneLayout) {
  NativeHistogram histogram;
  histogram.positive = {{1, 2}};
  NativeHistogram finer = histogram;
  finer.schema = 3;
  SumsOfColumns sums(1);
  const auto columns = AsColumns({histogram});
  sums.Add(*columns, {1});
  EXPECT_TRUE(sums.Takes(*columns));
  EXPECT_FALSE(sums.Takes(*AsColumns({finer})));
  histogram.positive.clear();
  for (int32_t i = 100; i < 100 + int32_t{HistogramColumns::kMaxBuckets}; ++i) {
    histogram.positive.push_back({i, 1});
  }
  EXPECT_FALSE(sums.Takes(*AsColumns({histogram}))) << "too many buckets together";
}

}  // namespace
}  // namespace leadline::collector::promql
