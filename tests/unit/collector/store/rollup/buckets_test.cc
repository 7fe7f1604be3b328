// What buckets say of any range of whole ones is what all samples say of it.
#include "collector/store/rollup/buckets.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/rollup/histograms.h"
#include "collector/store/rollup/summary.h"

namespace leadline::collector::store::rollup {
namespace {

using testing::ElementsAre;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

chunk::MergedSamples OfFloats(std::vector<int64_t> ts_ms, std::vector<double> values) {
  chunk::MergedSamples samples;
  samples.floats = {std::move(ts_ms), std::move(values)};
  return samples;
}

Buckets Folded(const chunk::MergedSamples& samples, int64_t resolution_ms = kMinuteMs) {
  Buckets buckets;
  Fold(samples, resolution_ms, buckets);
  return buckets;
}

SummarySamples Summed(Summary summary, const Buckets& buckets, int64_t resolution_ms = kMinuteMs) {
  SummarySamples out;
  const absl::Status status = Summarize(summary, buckets, resolution_ms, out);
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

model::NativeHistogram Histogram(uint64_t low, uint64_t high) {
  model::NativeHistogram histogram;
  histogram.schema = 2;
  histogram.count = low + high;
  histogram.sum = static_cast<double>(low + 2 * high);
  if (low > 0) histogram.positive.push_back({1, low});
  if (high > 0) histogram.positive.push_back({5, high});
  return histogram;
}

TEST(Buckets, LeaveTheirLeftEndOutAndHaveTheRightOne) {
  EXPECT_EQ(BucketEnd(0, 60'000), 0);
  EXPECT_EQ(BucketEnd(1, 60'000), 60'000);
  EXPECT_EQ(BucketEnd(60'000, 60'000), 60'000);
  EXPECT_EQ(BucketEnd(60'001, 60'000), 120'000);

  const Buckets buckets = Folded(OfFloats({60'000, 60'001, 120'000, 120'001}, {1, 2, 3, 4}));
  EXPECT_THAT(buckets.Floats(Column::kCount).ts_ms, ElementsAre(60'000, 120'000, 180'000));
  EXPECT_THAT(buckets.Floats(Column::kCount).values, ElementsAre(1, 2, 1));
  EXPECT_THAT(buckets.Floats(Column::kFirst).values, ElementsAre(1, 2, 4));
  EXPECT_THAT(buckets.Floats(Column::kLast).values, ElementsAre(1, 3, 4));
  EXPECT_THAT(buckets.Floats(Column::kFirstBack).values, ElementsAre(0, 59'999, 59'999));
  EXPECT_THAT(buckets.Floats(Column::kLastBack).values, ElementsAre(0, 0, 59'999));
  EXPECT_THAT(buckets.Floats(Column::kSum).values, ElementsAre(1, 5, 4));
}

TEST(Buckets, PassOverMarkersAndBucketsOfNothingElse) {
  const Buckets buckets =
      Folded(OfFloats({1'000, 2'000, 61'000, 121'000, 122'000},
                      {model::StaleNan(), 7, model::StaleNan(), 5, model::StaleNan()}));
  EXPECT_THAT(buckets.Floats(Column::kCount).ts_ms, ElementsAre(60'000, 180'000));
  EXPECT_THAT(buckets.Floats(Column::kCount).values, ElementsAre(1, 1));
  EXPECT_THAT(buckets.Floats(Column::kLast).values, ElementsAre(7, 5));
}

TEST(Buckets, KnowWhatResetsTookWithinThem) {
  std::vector<int64_t> ts_ms;
  std::vector<double> values = {10, 20, 3, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  for (size_t i = 0; i < values.size(); ++i)
    ts_ms.push_back(1'000 + 2'000 * static_cast<int64_t>(i));
  const SummarySamples rise = Summed(Summary::kRise, Folded(OfFloats(ts_ms, values)));
  EXPECT_THAT(rise.samples.floats.ts_ms, ElementsAre(1'000, 31'000));
  EXPECT_THAT(rise.samples.floats.values, ElementsAre(10, 12));
  EXPECT_THAT(rise.counts, ElementsAre(1, 15));
  EXPECT_TRUE(std::isnan(rise.lost[0]));
  EXPECT_EQ(rise.lost[1], 20 + 9);
  EXPECT_EQ(rise.inexact, 0);
}

TEST(Buckets, DoNotKeepLossesOfWhatIsNoCounter) {
  const Buckets buckets = Folded(OfFloats({1'000, 2'000, 3'000, 4'000}, {5, 3, 5, 3}));
  EXPECT_TRUE(IsNotKept(buckets.Floats(Column::kLost).values[0]));
  EXPECT_EQ(Summed(Summary::kRise, buckets).inexact, 1);
  EXPECT_EQ(Summed(Summary::kEnds, buckets).inexact, 0);
}

TEST(Buckets, AddUpInfinitiesAndNansAndSayWhereASumIsTooLarge) {
  const auto sum = [](std::vector<double> values) {
    std::vector<int64_t> ts_ms;
    for (size_t i = 0; i < values.size(); ++i) ts_ms.push_back(static_cast<int64_t>(i) + 1);
    return Folded(OfFloats(ts_ms, std::move(values))).Floats(Column::kSum).values[0];
  };
  EXPECT_EQ(sum({1, kInf, 2}), kInf);
  EXPECT_TRUE(std::isnan(sum({kInf, -kInf})));
  EXPECT_FALSE(IsNotKept(sum({kInf, -kInf})));
  EXPECT_FALSE(IsNotKept(sum({kNan, 1})));
  EXPECT_TRUE(IsNotKept(sum({1e308, 1e308})));
  EXPECT_EQ(sum({1e100, 1, -1e100}), 1);  // compensated
}

TEST(Buckets, LetNanGiveWayToAnything) {
  const Buckets buckets = Folded(OfFloats({1, 2, 3, 60'001}, {kNan, 4, 3, kNan}));
  EXPECT_EQ(buckets.Floats(Column::kMin).values[0], 3);
  EXPECT_EQ(buckets.Floats(Column::kMax).values[0], 4);
  EXPECT_TRUE(std::isnan(buckets.Floats(Column::kMin).values[1]));
}

TEST(Buckets, KeepOfHistogramsTheEndsAndWhereTheyDoNotCountOn) {
  chunk::MergedSamples samples;
  const auto add = [&](int64_t ts_ms, model::NativeHistogram histogram) {
    samples.histograms.Append(ts_ms, std::move(histogram));
  };
  add(1'000, Histogram(1, 0));
  add(2'000, Histogram(2, 1));
  add(3'000, Histogram(5, 1));
  add(4'000, Histogram(4, 4));  // more in all, but a bucket fell
  add(5'000, Histogram(5, 4));
  add(6'000, Histogram(6, 4));
  const Buckets buckets = Folded(samples);
  EXPECT_THAT(buckets.Histograms(Column::kHistogramEnds).ts_ms,
              ElementsAre(1'000, 3'000, 4'000, 6'000));
  const SummarySamples rise = Summed(Summary::kRise, buckets);
  EXPECT_THAT(rise.histogram_counts, ElementsAre(1, 1, 1, 3));
  const SummarySamples sum = Summed(Summary::kSum, buckets);
  ASSERT_EQ(sum.samples.histograms.size(), 1);
  EXPECT_EQ(sum.samples.histograms.values[0], [] {
    model::NativeHistogram all = Histogram(23, 14);
    all.sum = 23 + 28;
    return all;
  }());
  EXPECT_THAT(sum.histogram_counts, ElementsAre(6));
  EXPECT_EQ(sum.samples.histograms.ts_ms[0], 60'000);

  samples.histograms.values[2].schema = 1;
  const Buckets mixed = Folded(samples);
  EXPECT_THAT(mixed.Histograms(Column::kHistogramEnds).ts_ms,
              ElementsAre(1'000, 2'000, 3'000, 4'000, 6'000));
  EXPECT_EQ(Summed(Summary::kSum, mixed).inexact, 1);
}

// A rate: a gauge of fractions.
model::NativeHistogram Fractions(double low, double high) {
  model::NativeHistogram histogram;
  histogram.schema = 2;
  histogram.reset_hint = model::ResetHint::kGauge;
  histogram.float_counts = true;
  histogram.count = model::FloatCount(low + high);
  histogram.zero_count = model::FloatCount(0.5);
  histogram.sum = low;
  if (low > 0) histogram.positive.push_back({1, model::FloatCount(low)});
  if (high > 0) histogram.negative.push_back({5, model::FloatCount(high)});
  return histogram;
}

TEST(Buckets, AddUpFloatCountsAndKeepTheirEnds) {
  chunk::MergedSamples samples;
  int64_t ts_ms = 0;
  for (const auto& [low, high] :
       std::vector<std::pair<double, double>>{{1e100, 0.25}, {1e100, 0.5}, {0.5, 0.5}, {1, 0}}) {
    samples.histograms.Append(ts_ms += 1'000, Fractions(low, high));
  }
  const Buckets buckets = Folded(samples);
  EXPECT_THAT(buckets.Histograms(Column::kHistogramEnds).ts_ms,
              ElementsAre(1'000, 2'000, 3'000, 4'000));
  const SummarySamples sum = Summed(Summary::kSum, buckets);
  ASSERT_EQ(sum.samples.histograms.size(), 1);
  model::NativeHistogram all = Fractions(2e100, 1.25);
  all.zero_count = model::FloatCount(2);
  EXPECT_EQ(sum.samples.histograms.values[0], all);
  EXPECT_THAT(sum.histogram_counts, ElementsAre(4));

  // Whole counts among them, and what is not finite, are for the samples to tell.
  samples.histograms.values[1] = Histogram(1, 1);
  samples.histograms.values[1].reset_hint = model::ResetHint::kGauge;
  EXPECT_EQ(Summed(Summary::kSum, Folded(samples)).inexact, 1);
  for (const double count : {kNan, kInf}) {
    samples.histograms.values[1] = Fractions(1, 1);
    samples.histograms.values[1].count = model::FloatCount(count);
    EXPECT_EQ(Summed(Summary::kSum, Folded(samples)).inexact, 1);
  }
}

TEST(CountsOn, ComparesFloatCountsAsNumbers) {
  const model::NativeHistogram from = Fractions(0.5, 3);
  EXPECT_TRUE(CountsOn(from, from));
  EXPECT_TRUE(CountsOn(from, Fractions(0.75, 3)));
  EXPECT_FALSE(CountsOn(from, Fractions(0.25, 300)));
  EXPECT_FALSE(CountsOn(from, Fractions(0, 300)));
  EXPECT_FALSE(CountsOn(from, Fractions(kNan, 3)));
  EXPECT_FALSE(CountsOn(Fractions(kNan, 3), from));
  model::NativeHistogram whole = Histogram(9, 0);
  whole.reset_hint = model::ResetHint::kGauge;
  model::NativeHistogram floats = whole;
  floats.float_counts = true;
  EXPECT_FALSE(CountsOn(whole, floats));
}

TEST(CountsOn, LooksAtAllThatMayFallAndAtWhatIsSaid) {
  const model::NativeHistogram from = Histogram(3, 3);
  EXPECT_TRUE(CountsOn(from, from));
  EXPECT_TRUE(CountsOn(from, Histogram(3, 4)));
  EXPECT_FALSE(CountsOn(from, Histogram(2, 9)));
  EXPECT_FALSE(CountsOn(from, Histogram(9, 0)));
  model::NativeHistogram next = Histogram(4, 4);
  next.reset_hint = model::ResetHint::kReset;
  EXPECT_FALSE(CountsOn(next, next));
  next = Histogram(4, 4);
  next.zero_threshold = 0.1;
  EXPECT_FALSE(CountsOn(from, next));
}

// Columns that do not fit are damage, not a crash.
TEST(Summarize, RefusesColumnsThatDoNotFit) {
  const Buckets good = Folded(OfFloats({1'000, 2'000, 61'000}, {1, 2, 3}));
  const auto refused = [](const Buckets& buckets) {
    SummarySamples out;
    return absl::IsDataLoss(Summarize(Summary::kRise, buckets, kMinuteMs, out));
  };
  EXPECT_FALSE(refused(good));
  Buckets bad = good;
  bad.Floats(Column::kLast).ts_ms.pop_back();
  bad.Floats(Column::kLast).values.pop_back();
  EXPECT_TRUE(refused(bad));
  for (const double count : {0.0, -1.0, kNan, 1e300}) {
    bad = good;
    bad.Floats(Column::kCount).values[0] = count;
    EXPECT_TRUE(refused(bad)) << count;
  }
  for (const double back_ms : {-1.0, 60'000.0, kNan}) {
    bad = good;
    bad.Floats(Column::kLastBack).values[0] = back_ms;
    EXPECT_TRUE(refused(bad)) << back_ms;
  }
  bad = good;
  bad.Floats(Column::kFirstBack).values[0] = 1'000;
  EXPECT_TRUE(refused(bad));
  bad = good;
  bad.Floats(Column::kHistogramCount).Append(60'000, 2);
  EXPECT_TRUE(refused(bad));
}

// Random data, all ranges of whole buckets: from samples, and from what stands for them.
class RandomRanges : public testing::TestWithParam<int64_t> {};

double Rise(const chunk::Floats& samples, const std::vector<double>* lost, int64_t after_ms,
            int64_t up_to_ms) {
  double rise = 0;
  double first = 0;
  double previous = 0;
  bool any = false;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (samples.ts_ms[i] <= after_ms || samples.ts_ms[i] > up_to_ms) continue;
    const double value = samples.values[i];
    if (!any) first = value;
    if (any && lost != nullptr && !std::isnan((*lost)[i])) {
      rise += (*lost)[i];
    } else if (any && value < previous) {
      rise += previous;
    }
    previous = value;
    any = true;
  }
  return any ? rise + (previous - first) : 0;
}

struct Totals {
  uint64_t count = 0;
  double sum = 0;
  double min = kInf;
  double max = -kInf;

  static Totals Of(const chunk::Floats& samples, const std::vector<uint32_t>* counts,
                   int64_t after_ms, int64_t up_to_ms) {
    Totals totals;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (samples.ts_ms[i] <= after_ms || samples.ts_ms[i] > up_to_ms) continue;
      totals.count += counts == nullptr ? 1 : (*counts)[i];
      totals.sum += samples.values[i];
      totals.min = std::min(totals.min, samples.values[i]);
      totals.max = std::max(totals.max, samples.values[i]);
    }
    return totals;
  }
};

TEST_P(RandomRanges, SayTheSameAsAllSamples) {
  const int64_t resolution_ms = GetParam();
  std::mt19937_64 random(7);
  const auto below = [&](uint64_t limit) { return static_cast<int64_t>(random() % limit); };
  for (int round = 0; round < 50; ++round) {
    chunk::MergedSamples all;
    double value = 0;
    int64_t ts_ms = 1 + below(100'000);
    for (int i = 0; i < 400; ++i) {
      value =
          below(40) == 0 ? static_cast<double>(below(3)) : value + static_cast<double>(below(9));
      all.floats.Append(ts_ms, value);
      // Often a whole minute, where buckets begin and end.
      ts_ms += below(4) == 0 ? kMinuteMs - ts_ms % kMinuteMs : 1 + below(resolution_ms / 2);
    }
    const Buckets buckets = Folded(all, resolution_ms);
    const auto summed = [&](Summary summary) { return Summed(summary, buckets, resolution_ms); };
    const SummarySamples rise = summed(Summary::kRise);
    const SummarySamples sum = summed(Summary::kSum);
    const SummarySamples min = summed(Summary::kMin);
    const SummarySamples max = summed(Summary::kMax);
    ASSERT_EQ(rise.inexact, 0);
    ASSERT_LT(rise.samples.floats.size(), all.floats.size());
    const int64_t end_ms = BucketEnd(ts_ms, resolution_ms);
    for (int query = 0; query < 50; ++query) {
      const int64_t up_to_ms =
          below(static_cast<uint64_t>(end_ms / resolution_ms) + 2) * resolution_ms;
      const int64_t after_ms = up_to_ms - (1 + below(9)) * resolution_ms;
      const Totals expected = Totals::Of(all.floats, nullptr, after_ms, up_to_ms);
      const Totals got = Totals::Of(sum.samples.floats, &sum.counts, after_ms, up_to_ms);
      ASSERT_EQ(got.count, expected.count);
      ASSERT_EQ(got.sum, expected.sum);
      ASSERT_EQ(Totals::Of(rise.samples.floats, &rise.counts, after_ms, up_to_ms).count,
                expected.count);
      ASSERT_EQ(Totals::Of(min.samples.floats, nullptr, after_ms, up_to_ms).min, expected.min);
      ASSERT_EQ(Totals::Of(max.samples.floats, nullptr, after_ms, up_to_ms).max, expected.max);
      ASSERT_EQ(Rise(rise.samples.floats, &rise.lost, after_ms, up_to_ms),
                Rise(all.floats, nullptr, after_ms, up_to_ms));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Resolutions, RandomRanges, testing::Values(kMinuteMs, kHourMs));

}  // namespace
}  // namespace leadline::collector::store::rollup
