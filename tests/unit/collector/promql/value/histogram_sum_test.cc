#include "collector/promql/value/histogram_sum.h"

#include <limits>

#include <gtest/gtest.h>

namespace leadline::collector::promql {
namespace {

Histogram Make(double count, std::vector<Histogram::Bucket> positive, int32_t schema = 0) {
  Histogram histogram;
  histogram.schema = schema;
  histogram.count = count;
  histogram.sum = count;
  histogram.zero_count = count;
  histogram.positive = std::move(positive);
  return histogram;
}

// What a plain sum would lose: 1 beside 1e100.
TEST(SumOfHistograms, KeepsWhatCancelsOut) {
  SumOfHistograms sum(Make(1e100, {{1, 1e100}}));
  sum.Add(Make(1, {{1, 1}, {2, 3}}));
  sum.Add(Make(1, {{1, 1}}));
  sum.Add(Make(-1e100, {{1, -1e100}, {2, -3}}));
  const Histogram value = sum.value();
  EXPECT_EQ(value.count, 2);
  EXPECT_EQ(value.sum, 2);
  EXPECT_EQ(value.zero_count, 2);
  EXPECT_EQ(value.positive, (std::vector<Histogram::Bucket>{{1, 2}}));
}

TEST(SumOfHistograms, KeepsItWhereBucketsBecomeOne) {
  SumOfHistograms sum(Make(0, {{1, 1e100}, {2, 1}}, 1));
  sum.Add(Make(0, {{1, -1e100}, {2, 1}}));
  EXPECT_EQ(sum.value().schema, 0);
  EXPECT_EQ(sum.value().positive, (std::vector<Histogram::Bucket>{{1, 1}, {2, 1}}));
}

TEST(SumOfHistograms, LeavesWhatDoesNotFitAlone) {
  SumOfHistograms sum(Make(2, {{1, 2}}));
  Histogram custom = Make(3, {{0, 3}}, model::kCustomBuckets);
  custom.zero_count = 0;
  EXPECT_FALSE(sum.Add(custom).compatible);
  EXPECT_EQ(sum.value(), Make(2, {{1, 2}}));
}

TEST(MeanOfHistograms, IsThatOfAll) {
  MeanOfHistograms mean(Make(2, {{1, 2}}));
  mean.Add(Make(4, {{1, 1}, {3, 3}}));
  mean.Add(Make(3, {}));
  const Histogram value = mean.value();
  EXPECT_EQ(value.count, 3);
  EXPECT_EQ(value.positive, (std::vector<Histogram::Bucket>{{1, 1}, {3, 1}}));
}

TEST(MeanOfHistograms, DoesNotOverflow) {
  constexpr double kMax = std::numeric_limits<double>::max();
  MeanOfHistograms mean(Make(kMax, {{1, kMax}}));
  for (int i = 0; i < 4; ++i) mean.Add(Make(kMax, {{1, kMax}}));
  const Histogram value = mean.value();
  EXPECT_DOUBLE_EQ(value.count, kMax);
  EXPECT_DOUBLE_EQ(value.sum, kMax);
  EXPECT_DOUBLE_EQ(value.positive.front().count, kMax);
}

TEST(MeanOfHistograms, OfAnInfiniteSumIsInfinite) {
  MeanOfHistograms mean(Make(1, {{1, 1}}));
  Histogram infinite = Make(1, {{1, 1}});
  infinite.sum = std::numeric_limits<double>::infinity();
  mean.Add(infinite);
  mean.Add(Make(1, {{1, 1}}));
  EXPECT_EQ(mean.value().sum, std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(mean.value().count, 1);
}

}  // namespace
}  // namespace leadline::collector::promql
