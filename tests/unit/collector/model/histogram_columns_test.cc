#include "collector/model/histogram_rows.h"

#include <vector>

#include <gtest/gtest.h>

namespace leadline::collector::model {
namespace {

HistogramRows Made(const RowShape& shape, size_t count, double from) {
  HistogramRows rows(shape, count);
  for (size_t i = 0; i < count; ++i) {
    for (double& cell : rows.Row(i)) cell = from++;
  }
  return rows;
}

std::vector<double> Cells(const HistogramRows& rows, size_t i) {
  return {rows.Row(i).begin(), rows.Row(i).end()};
}

TEST(HistogramRowsTest, JoinedRowsHaveCellsForTheBucketsOfAll) {
  std::vector<HistogramRows> parts;
  parts.push_back(Made({.positive = {5, 2}}, 2, 1));
  parts.push_back(Made({.positive = {4, 1}, .negative = {-1, 1}}, 1, 100));
  parts.push_back(Made({}, 1, 200));
  parts[0].said_resets = {1};
  parts[1].said_resets = {0};
  const auto joined = Join(parts);
  ASSERT_TRUE(joined.has_value());
  EXPECT_EQ(joined->shape(), (RowShape{.positive = {4, 3}, .negative = {-1, 1}}));
  ASSERT_EQ(joined->size(), 4u);
  EXPECT_EQ(Cells(*joined, 0), (std::vector<double>{1, 2, 3, 0, 4, 5, 0}));
  EXPECT_EQ(Cells(*joined, 1), (std::vector<double>{6, 7, 8, 0, 9, 10, 0}));
  EXPECT_EQ(Cells(*joined, 2), (std::vector<double>{100, 101, 102, 103, 0, 0, 104}));
  EXPECT_EQ(Cells(*joined, 3), (std::vector<double>{200, 201, 202, 0, 0, 0, 0}));
  EXPECT_EQ(joined->said_resets, (std::vector<uint32_t>{1, 2}));
}

TEST(HistogramRowsTest, RowsOfOtherLayoutsAreNotJoined) {
  std::vector<HistogramRows> parts;
  parts.push_back(Made({.schema = 1}, 1, 0));
  parts.push_back(Made({.schema = 2}, 1, 0));
  EXPECT_FALSE(Join(parts).has_value());
  parts[1] = Made({.schema = 1, .zero_threshold = 0.5}, 1, 0);
  EXPECT_FALSE(Join(parts).has_value());
  parts[1] = Made({.schema = 1, .positive = {2000, 1}}, 1, 0);
  EXPECT_TRUE(Join(parts).has_value());
  parts[0] = Made({.schema = 1, .positive = {0, 1}}, 1, 0);
  EXPECT_FALSE(Join(parts).has_value()) << "too wide together";
}

}  // namespace
}  // namespace leadline::collector::model
