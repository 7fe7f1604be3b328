#include "collector/store/chunk/pieces.h"

#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "collector/store/codec/block.h"

namespace leadline::collector::store::chunk {
namespace {

using model::HistogramColumns;
using model::NativeHistogram;

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

Histograms Other(int64_t ts_ms) {
  Histograms other = Made(ts_ms, 3, 5, 1);
  for (NativeHistogram& histogram : other.values) histogram.schema = 3;
  return other;
}

Piece InBlock(const Histograms& run) {
  codec::BlockWriter writer;
  writer.Add(0, run.ts_ms, run.values);
  auto block = std::make_shared<Block>(writer.Finish());
  EXPECT_TRUE(block->Open().ok());
  return {.block = std::move(block)};
}

MergedSamples Merged(const std::vector<Piece>& pieces, int64_t start_ms, int64_t end_ms,
                     bool columns) {
  ReadBudget budget = ReadBudget::Unlimited();
  auto merged =
      MergePieces(pieces, {.start_ms = start_ms, .end_ms = end_ms, .columns = columns}, budget);
  EXPECT_TRUE(merged.ok()) << merged.status();
  return *std::move(merged);
}

// As columns they are what they are as histograms.
void ExpectColumns(const std::vector<Piece>& pieces, int64_t start_ms, int64_t end_ms) {
  const MergedSamples merged = Merged(pieces, start_ms, end_ms, /*columns=*/true);
  const MergedSamples expected = Merged(pieces, start_ms, end_ms, /*columns=*/false);
  ASSERT_TRUE(merged.columns.has_value());
  const HistogramColumns& columns = *merged.columns;
  EXPECT_TRUE(merged.histograms.values.empty());
  ASSERT_EQ(merged.histograms.ts_ms, expected.histograms.ts_ms);
  ASSERT_EQ(columns.size(), expected.histograms.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const NativeHistogram& histogram = expected.histograms.values[i];
    EXPECT_EQ(columns.Column(HistogramColumns::kCount)[i], static_cast<double>(histogram.count));
    EXPECT_EQ(columns.Column(HistogramColumns::kZeroCount)[i], 0);
    for (size_t k = 0; k < columns.buckets().size(); ++k) {
      const auto& bucket = histogram.positive.front();
      const bool is_it = columns.buckets()[k] == model::BucketId{false, bucket.index};
      EXPECT_EQ(columns.Column(HistogramColumns::kFields + k)[i],
                is_it ? static_cast<double>(bucket.count) : 0)
          << i << " " << k;
    }
  }
}

TEST(PiecesTest, RunsThatFollowEachOtherAreOneMatrixOfColumns) {
  const std::vector<Piece> pieces = {InBlock(Made(1000, 20, 5, 1)), InBlock(Made(1200, 20, 7, 30)),
                                     InBlock(Made(1400, 20, 4, 60)), InBlock(Made(1600, 5, 5, 90))};
  ExpectColumns(pieces, 0, 5000);
  ExpectColumns(pieces, 1055, 1445);
  ExpectColumns(pieces, 1200, 1395);  // of the second alone
  ExpectColumns(pieces, 1190, 1200);
  ExpectColumns(pieces, 1191, 1605);
}

TEST(PiecesTest, WhatIsNoSequenceOfRunsComesAsHistograms) {
  const Piece block = InBlock(Made(1000, 20, 5, 1));
  const Piece head = {.histograms = std::make_shared<const Histograms>(Made(1200, 5, 5, 30))};
  const std::vector<std::vector<Piece>> cases = {
      {block, head},
      {block, InBlock(Made(1100, 20, 5, 1))},  // overlaps
      {InBlock(Made(1200, 20, 5, 1)), block},  // does not follow
      {block, InBlock(Other(1200))},           // of another layout
  };
  for (const std::vector<Piece>& pieces : cases) {
    const MergedSamples merged = Merged(pieces, 0, 5000, /*columns=*/true);
    const MergedSamples expected = Merged(pieces, 0, 5000, /*columns=*/false);
    EXPECT_FALSE(merged.columns.has_value());
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
