#include "collector/promql/value/histogram.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace leadline::collector::promql {
namespace {

TEST(BucketUpperBound, IsAPowerOfTheSchemasBase) {
  EXPECT_EQ(BucketUpperBound(0, 0), 1);
  EXPECT_EQ(BucketUpperBound(0, 3), 8);
  EXPECT_EQ(BucketUpperBound(0, -2), 0.25);
  EXPECT_EQ(BucketUpperBound(-2, 1), 16);
  EXPECT_EQ(BucketUpperBound(1, 2), 2);
  EXPECT_DOUBLE_EQ(BucketUpperBound(1, 1), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(BucketUpperBound(3, -1), std::pow(2, -0.125));
  EXPECT_EQ(BucketUpperBound(0, 1024), std::numeric_limits<double>::max());
  EXPECT_EQ(BucketUpperBound(8, 1024 * 256), std::numeric_limits<double>::max());
  EXPECT_EQ(BucketUpperBound(-4, std::numeric_limits<int32_t>::max()),
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(BucketUpperBound(-4, std::numeric_limits<int32_t>::min()), 0);
}

Histogram Make(int32_t schema, std::vector<Histogram::Bucket> positive) {
  Histogram histogram;
  histogram.schema = schema;
  for (const auto& bucket : positive) histogram.count += bucket.count;
  histogram.positive = std::move(positive);
  return histogram;
}

TEST(Histogram, AddKeepsTheOrderAndTheSum) {
  Histogram sum = Make(0, {{1, 1}, {5, 2}});
  sum.Add(Make(0, {{0, 3}, {5, 4}, {9, 5}}));
  EXPECT_EQ(sum.positive, (std::vector<Histogram::Bucket>{{0, 3}, {1, 1}, {5, 6}, {9, 5}}));
  EXPECT_EQ(sum.count, 15);
  sum.Add(Make(0, {{0, 3}}), -1);
  sum.Compact();
  EXPECT_EQ(sum.positive.front(), (Histogram::Bucket{1, 1}));
}

// Every bucket of the finer schema lies within the one that it is counted in.
TEST(Histogram, AddMeetsAtTheCoarserSchema) {
  for (int32_t index = -40; index <= 40; ++index) {
    Histogram sum = Make(0, {});
    sum.Add(Make(3, {{index, 1}}));
    ASSERT_EQ(sum.positive.size(), 1u);
    const int32_t coarse = sum.positive.front().index;
    EXPECT_LE(BucketUpperBound(0, coarse - 1), BucketUpperBound(3, index - 1)) << index;
    EXPECT_GE(BucketUpperBound(0, coarse), BucketUpperBound(3, index)) << index;
  }
}

TEST(Histogram, AddOfNansEnds) {
  Histogram a = Make(0, {{1, 1}});
  Histogram b = Make(0, {{2, 1}});
  a.zero_threshold = std::nan("");
  b.zero_threshold = 1;
  a.Add(b);
  EXPECT_EQ(a.count, 2);
}

Histogram Counter(std::vector<model::NativeHistogram::Bucket> positive, int32_t schema = 0,
                  uint64_t zero_count = 0) {
  model::NativeHistogram histogram;
  histogram.schema = schema;
  histogram.zero_count = zero_count;
  histogram.count = zero_count;
  for (const auto& bucket : positive) histogram.count += bucket.count;
  histogram.positive = std::move(positive);
  return Histogram::From(histogram);
}

TEST(Histogram, IsTheSameFromTheModel) {
  Histogram histogram = Counter({{1, 2}, {3, 4}}, 0, 1);
  histogram.reset_hint = model::ResetHint::kGauge;
  histogram.sum = -1.5;
  histogram.Scale(1.0 / 3);
  histogram.negative = {{-2, 0}, {7, 1e-300}};
  const model::NativeHistogram kept = histogram.ToModel();
  EXPECT_TRUE(kept.float_counts);
  EXPECT_EQ(kept.reset_hint, model::ResetHint::kGauge);
  EXPECT_EQ(kept.negative.size(), 1u) << "no empty bucket";
  histogram.Compact();
  EXPECT_EQ(Histogram::From(kept), histogram);
}

TEST(WasReset, SeesWhateverFell) {
  const auto before = Counter({{1, 2}, {3, 4}}, 0, 1);
  EXPECT_FALSE(WasReset(before, before));
  EXPECT_FALSE(WasReset(before, Counter({{0, 1}, {1, 2}, {3, 5}}, 0, 1)));
  EXPECT_TRUE(WasReset(before, Counter({{1, 2}, {3, 3}}, 0, 1))) << "the count fell";
  EXPECT_TRUE(WasReset(before, Counter({{1, 9}, {3, 3}}, 0, 1))) << "a bucket fell";
  EXPECT_TRUE(WasReset(before, Counter({{3, 9}}, 0, 1))) << "a bucket is gone";
  EXPECT_TRUE(WasReset(before, Counter({{1, 9}, {3, 9}}, 0, 0))) << "the zero bucket fell";
  EXPECT_TRUE(WasReset(before, Counter({{1, 9}, {3, 9}}, 1, 9))) << "the schema became finer";
  EXPECT_FALSE(WasReset(before, Counter({{1, 2}, {2, 4}}, -1, 1))) << "only the schema is coarser";
  EXPECT_TRUE(WasReset(before, Counter({{1, 9}, {2, 3}}, -1, 1))) << "and a bucket fell";
}

}  // namespace
}  // namespace leadline::collector::promql
