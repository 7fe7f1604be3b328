#include "collector/store/chunk/pieces.h"

#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "collector/store/codec/block.h"

namespace leadline::collector::store::chunk {
namespace {

using model::NativeHistogram;
using model::RowShape;

constexpr int64_t kIntervalMs = 10;

// `count` histograms from `first_ms` on, whose only bucket is `index`.
Histograms Made(int64_t first_ms, size_t count, int32_t index, uint64_t observed) {
  Histograms made;
  for (size_t i = 0; i < count; ++i) {
    NativeHistogram histogram;
    histogram.schema = 2;
    histogram.count = observed + i;
    histogram.positive = {{index, observed + i}};
    made.Append(first_ms + static_cast<int64_t>(i) * kIntervalMs, std::move(histogram));
  }
  return made;
}

Piece InBlock(const Histograms& run) {
  codec::BlockWriter writer;
  writer.Add(0, run.ts_ms, run.values);
  auto block = std::make_shared<Block>(writer.Finish());
  EXPECT_TRUE(block->Open().ok());
  return {.block = std::move(block)};
}

MergedSamples Merged(const std::vector<Piece>& pieces, int64_t start_ms, int64_t end_ms,
                     bool rows) {
  ReadBudget budget = ReadBudget::Unlimited();
  auto merged = MergePieces(pieces, {.start_ms = start_ms, .end_ms = end_ms, .rows = rows}, budget);
  EXPECT_TRUE(merged.ok()) << merged.status();
  return *std::move(merged);
}

// As rows they are what they are as histograms.
void ExpectRows(const std::vector<Piece>& pieces, int64_t start_ms, int64_t end_ms) {
  const MergedSamples rows = Merged(pieces, start_ms, end_ms, /*rows=*/true);
  const MergedSamples expected = Merged(pieces, start_ms, end_ms, /*rows=*/false);
  ASSERT_TRUE(rows.rows.has_value());
  EXPECT_TRUE(rows.histograms.values.empty());
  ASSERT_EQ(rows.histograms.ts_ms, expected.histograms.ts_ms);
  ASSERT_EQ(rows.rows->size(), expected.histograms.size());
  const int32_t first = rows.rows->shape().positive.first;
  for (size_t i = 0; i < rows.rows->size(); ++i) {
    const NativeHistogram& histogram = expected.histograms.values[i];
    std::vector<double> cells(rows.rows->shape().width());
    cells[RowShape::kCount] = static_cast<double>(histogram.count);
    for (const auto& bucket : histogram.positive) {
      cells[RowShape::kFields + static_cast<size_t>(bucket.index - first)] =
          static_cast<double>(bucket.count);
    }
    EXPECT_EQ(rows.rows->Row(i), absl::MakeConstSpan(cells)) << i;
  }
}

TEST(PiecesTest, RunsThatFollowEachOtherAreOneMatrixOfRows) {
  const std::vector<Piece> pieces = {InBlock(Made(1000, 20, 5, 1)), InBlock(Made(1200, 20, 7, 30)),
                                     InBlock(Made(1400, 20, 4, 60))};
  ExpectRows(pieces, 0, 5000);
  ExpectRows(pieces, 1055, 1445);
  ExpectRows(pieces, 1200, 1395);  // of the second alone
  ExpectRows(pieces, 1190, 1200);
}

TEST(PiecesTest, WhatIsNoSequenceOfRunsComesAsHistograms) {
  const Piece block = InBlock(Made(1000, 20, 5, 1));
  const Piece head = {.histograms = std::make_shared<const Histograms>(Made(1200, 5, 5, 30))};
  const std::vector<std::vector<Piece>> cases = {
      {block, head},
      {block, InBlock(Made(1100, 20, 5, 1))},     // overlaps
      {InBlock(Made(1200, 20, 5, 1)), block},     // does not follow
      {block, InBlock(Made(1200, 20, 5000, 1))},  // too wide together
  };
  for (const std::vector<Piece>& pieces : cases) {
    const MergedSamples merged = Merged(pieces, 0, 5000, /*rows=*/true);
    const MergedSamples expected = Merged(pieces, 0, 5000, /*rows=*/false);
    EXPECT_FALSE(merged.rows.has_value());
    EXPECT_EQ(merged.histograms.ts_ms, expected.histograms.ts_ms);
    EXPECT_EQ(merged.histograms.values, expected.histograms.values);
  }
}

Piece InBlock(const std::vector<int64_t>& ts_ms, const std::vector<double>& values) {
  codec::BlockWriter writer;
  writer.Add(0, ts_ms, values);
  auto block = std::make_shared<Block>(writer.Finish());
  EXPECT_TRUE(block->Open().ok());
  return {.block = std::move(block)};
}

// Timestamps where presence is all that is asked.
std::vector<int64_t> Present(const std::vector<Piece>& pieces) {
  ReadBudget budget = ReadBudget::Unlimited();
  auto merged = MergePieces(pieces, {.presence = true, .apart_ms = 100}, budget);
  EXPECT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(merged->floats.values.size(), merged->floats.ts_ms.size());
  return merged->floats.ts_ms;
}

TEST(PiecesTest, SamplesAreLeftOutWherePiecesFollowEachOther) {
  const std::vector<int64_t> ts_ms = {10, 20, 30, 40, 50};
  const Piece first = InBlock(ts_ms, {1, 2, 3, 4, 5});
  const Piece second = InBlock({60, 70, 80}, {1, 2, 3});
  EXPECT_EQ(Present({first, second}), (std::vector<int64_t>{10, 50, 60, 80}));
  // A marker among them counts until the sample behind it.
  const Piece marker = InBlock({25}, {model::StaleNan()});
  EXPECT_EQ(Present({first, marker}), (std::vector<int64_t>{10, 20, 25, 30, 40, 50}));
  // A marker's place was taken.
  const Piece other = InBlock({30, 60}, {model::StaleNan(), 1});
  EXPECT_EQ(Present({other, first}), (std::vector<int64_t>{10, 20, 30, 40, 50, 60}));
}

}  // namespace
}  // namespace leadline::collector::store::chunk
