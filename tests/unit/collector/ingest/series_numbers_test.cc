#include "collector/ingest/series_numbers.h"

#include <cstdint>
#include <limits>
#include <optional>

#include <gtest/gtest.h>

namespace leadline::collector::ingest {
namespace {

TEST(SeriesNumbers, CountsTheSeriesOfABatch) {
  SeriesNumbers numbers;
  numbers.BeginBatch(2);
  numbers.BeginFrame();
  EXPECT_EQ(numbers.Take(7, 0), 0u);
  EXPECT_EQ(numbers.Take(3, 1), 1u);
  EXPECT_EQ(numbers.Take(7, 2), std::nullopt);
  numbers.BeginFrame();
  EXPECT_EQ(numbers.Take(7, 2), 0u);
  EXPECT_EQ(numbers.Take(900, 2), 2u);
  EXPECT_EQ(numbers.Take(7, 3), std::nullopt);
  // What the batch before had is forgotten, in the first frame and later ones.
  numbers.BeginBatch(2);
  numbers.BeginFrame();
  EXPECT_EQ(numbers.Take(3, 0), 0u);
  numbers.BeginFrame();
  EXPECT_EQ(numbers.Take(7, 1), 1u);
  EXPECT_EQ(numbers.Take(3, 2), 0u);
  EXPECT_EQ(numbers.Take(900, 2), 2u);
}

TEST(SeriesNumbers, CountsFramesAnewBeforeTheyRunOut) {
  constexpr size_t kMost = std::numeric_limits<uint32_t>::max();
  SeriesNumbers numbers;
  for (int batch = 0; batch < 3; ++batch) {
    numbers.BeginBatch(kMost);
    for (int frame = 0; frame < 2; ++frame) {
      numbers.BeginFrame();
      EXPECT_EQ(numbers.Take(5, 0), 0u);
      EXPECT_EQ(numbers.Take(6, 1), 1u);
      EXPECT_EQ(numbers.Take(5, 2), std::nullopt);
    }
  }
}

}  // namespace
}  // namespace leadline::collector::ingest
