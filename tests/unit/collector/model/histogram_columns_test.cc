#include "collector/model/histogram_columns.h"

#include <vector>

#include <gtest/gtest.h>

namespace leadline::collector::model {
namespace {

constexpr size_t kFields = HistogramColumns::kFields;

std::vector<double> Cells(const HistogramColumns& columns, size_t i) {
  return {columns.Column(i).begin(), columns.Column(i).end()};
}

TEST(HistogramColumnsTest, BucketsAreInTheirOrderInWhateverOrderTheyCome) {
  HistogramColumns columns({.schema = 3, .zero_threshold = 0.5}, 2, 1);
  EXPECT_EQ(columns.layout(), (BucketLayout{3, 0.5}));
  EXPECT_EQ(columns.size(), 2u);
  EXPECT_EQ(columns.width(), kFields);
  double value = 0;
  for (size_t i = 0; i < kFields; ++i) columns.Column(i)[1] = ++value;
  const std::vector<BucketId> added = {{false, 7}, {true, -4}, {false, -2}, {true, -9}, {false, 3}};
  for (const BucketId& bucket : added) {
    size_t near = 0;
    const absl::Span<double> column = columns.ColumnOf(bucket, near);
    ASSERT_EQ(column.size(), 2u);
    EXPECT_EQ(column[0], 0);
    EXPECT_EQ(columns.buckets()[near], bucket);
    column[1] = ++value;
  }
  EXPECT_EQ(columns.width(), kFields + 5);
  EXPECT_EQ(std::vector<BucketId>(columns.buckets().begin(), columns.buckets().end()),
            (std::vector<BucketId>{{false, -2}, {false, 3}, {false, 7}, {true, -9}, {true, -4}}));
  std::vector<double> last;
  for (size_t i = 0; i < columns.width(); ++i) last.push_back(Cells(columns, i)[1]);
  EXPECT_EQ(last, (std::vector<double>{1, 2, 3, 6, 8, 4, 7, 5}));
  // One that is there is found from any bucket before it on.
  size_t near = 1;
  EXPECT_EQ(columns.ColumnOf({false, 7}, near).data(), columns.Column(kFields + 2).data());
  EXPECT_EQ(columns.ColumnOf({true, -4}, near).data(), columns.Column(kFields + 4).data());
}

TEST(HistogramColumnsTest, WhatWillBeWrittenOfANewColumnAloneIsNotMadeZero) {
  HistogramColumns columns({}, 5, 1);
  size_t near = 0;
  columns.ColumnOf({false, 1}, near, 1, 3)[1] = 7;
  columns.ColumnOf({false, 1}, near, 3, 5)[2] = 8;  // it is there already
  EXPECT_EQ(Cells(columns, kFields), (std::vector<double>{0, 7, 8, 0, 0}));
}

TEST(HistogramColumnsTest, ThereAreNoMoreBucketsThanTheMost) {
  HistogramColumns columns({}, 1, 0);
  size_t near = 0;
  for (size_t i = 0; i < HistogramColumns::kMaxBuckets; ++i) {
    EXPECT_FALSE(columns.ColumnOf({false, static_cast<int32_t>(i) * 1000}, near).empty());
  }
  EXPECT_TRUE(columns.ColumnOf({true, 0}, near).empty());
  near = 0;
  EXPECT_FALSE(columns.ColumnOf({false, 0}, near).empty());
}

}  // namespace
}  // namespace leadline::collector::model
