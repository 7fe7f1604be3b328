// Exemplars as records: keys, values, and finding those of some series in the buffer.
#include "collector/store/record/exemplars.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/record/buffer.h"
#include "collector/store/record/key_ranges.h"
#include "collector/store/record/rows.h"
#include "tests/unit/collector/store/golden.h"

namespace leadline::collector::store::record {
namespace {

using model::Exemplar;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kT0 = 1'700'000'000'000;

model::SeriesDefinition Series(std::string path) {
  return {.metric = "hits_total", .residual = LabelSet({{"Path", std::move(path)}, {"z", "1"}})};
}

Exemplar At(int64_t ts_ms, double value, std::string trace = "5b8efff7") {
  return {LabelSet({{"trace_id", std::move(trace)}}), value, ts_ms};
}

TEST(ExemplarRecords, AreWrittenAndReadAsTheyAreOnDisk) {
  const Exemplar exemplar = At(kT0, 0.25);
  const model::Record record = OfExemplar(ExemplarSeriesId(Series("/")), exemplar);
  const std::string key = RowKey("default", record);
  const std::string golden = Golden("record_exemplar_row.bin", key + RowValue(record));
  const auto read = ParseRow(model::RecordTable::kExemplars,
                             TablePrefix("default", model::RecordTable::kExemplars).size(),
                             golden.substr(0, key.size()), golden.substr(key.size()));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, record);
  EXPECT_EQ(AsExemplar(*read), exemplar);
  EXPECT_EQ(SeriesOfExemplarKey(read->key), ExemplarSeriesId(Series("/")));
}

TEST(ExemplarRecords, KeepAnyValue) {
  for (const double value : {0.0, -0.0, 1e300, -12.5, std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(), std::nan("1")}) {
    const auto read = AsExemplar(OfExemplar({1, 2}, {.value = value, .ts_ms = 7}));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(std::bit_cast<uint64_t>(read->value), std::bit_cast<uint64_t>(value));
    EXPECT_EQ(read->ts_ms, 7);
    EXPECT_TRUE(read->labels.empty());
  }
}

TEST(ExemplarRecords, WhatIsMalformedIsNotRead) {
  model::Record record = OfExemplar({1, 2}, At(kT0, 0.25));
  const std::string whole = record.value;
  for (size_t left = 0; left < whole.size(); ++left) {
    record.value = whole.substr(0, left);
    EXPECT_FALSE(AsExemplar(record).has_value()) << left;
  }
  record.value = whole + "x";
  EXPECT_FALSE(AsExemplar(record).has_value());
  EXPECT_FALSE(SeriesOfExemplarKey(record.key + "x").has_value());
  EXPECT_FALSE(SeriesOfExemplarKey("").has_value());
}

TEST(ExemplarRecords, OfASeriesAreFoundByTheLabelsThatItIsShownWith) {
  const std::vector<LabelView> shown = {{"Path", "/"}, {"__name__", "hits_total"}, {"z", "1"}};
  EXPECT_EQ(ExemplarSeriesId(shown), ExemplarSeriesId(Series("/")));
  EXPECT_NE(ExemplarSeriesId(Series("/a")), ExemplarSeriesId(Series("/")));
}

TEST(ExemplarRecords, AscendWithTimeAndAreTheSameOnlyWhereAllIs) {
  const Id128 series{1, 2};
  EXPECT_LT(OfExemplar(series, At(255, 1)).key, OfExemplar(series, At(256, 1)).key);
  EXPECT_EQ(OfExemplar(series, At(7, 1)), OfExemplar(series, At(7, 1)));
  EXPECT_NE(OfExemplar(series, At(7, 1)).key, OfExemplar(series, At(7, 2)).key);
  EXPECT_NE(OfExemplar(series, At(7, 1)).key, OfExemplar(series, At(7, 1, "other")).key);
  const KeyRange keys = ExemplarKeys(series, 7, 9);
  EXPECT_LT(OfExemplar(series, At(6, 1)).key, keys.first);
  EXPECT_GE(OfExemplar(series, At(7, 1)).key, keys.first);
  EXPECT_LE(OfExemplar(series, At(9, 1)).key, keys.last);
  EXPECT_GT(OfExemplar(series, At(10, 1)).key, keys.last);
}

TEST(KeyRangeWalk, SaysWhereAscendingKeysAre) {
  using Place = KeyRangeWalk::Place;
  const std::vector<KeyRange> ranges = {{"b", "c"}, {"f", "f"}, {"k", "m"}};
  KeyRangeWalk walk(ranges);
  EXPECT_TRUE(walk.is_bound());
  EXPECT_EQ(walk.key_bytes(), 1u);
  EXPECT_EQ(walk.Find("a"), Place::kBefore);
  EXPECT_EQ(walk.range().first, "b");
  EXPECT_EQ(walk.Find("b"), Place::kWithin);
  EXPECT_EQ(walk.Find("c"), Place::kWithin);
  EXPECT_EQ(walk.Find("g"), Place::kBefore);  // past the second one
  EXPECT_EQ(walk.range().first, "k");
  EXPECT_EQ(walk.Find("m"), Place::kWithin);
  EXPECT_EQ(walk.Find("n"), Place::kBehindAll);
  EXPECT_FALSE(KeyRangeWalk({}).is_bound());
}

TEST(ExemplarRecords, OfSomeSeriesAreFoundInTheBuffer) {
  Buffer buffer;
  std::vector<KeyRange> ranges;
  for (uint64_t i = 0; i < 10; ++i) {
    buffer.Append("t", {OfExemplar({i, 0}, At(kT0, 1)), OfExemplar({i, 0}, At(kT0 + 1, 2)),
                        OfExemplar({i, 0}, At(kT0 + 2, 3))});
    if (i % 3 == 1) ranges.push_back(ExemplarKeys({i, 0}, kT0 + 1, kT0 + 1));
    if (i == 4) buffer.Freeze();
  }
  const auto select = [&](const RecordFilter& filter) {
    InTime found;
    EXPECT_TRUE(buffer.Select("t", filter, found).ok());
    std::vector<uint64_t> series;
    for (const auto& [place, value] : found)
      series.push_back(SeriesOfExemplarKey(place.second)->high);
    return series;
  };
  RecordFilter filter{.table = model::RecordTable::kExemplars, .key_ranges = ranges};
  EXPECT_THAT(select(filter), ElementsAre(1, 4, 7));
  filter.key_ranges = {ExemplarKeys({20, 0}, 0, INT64_MAX)};
  EXPECT_THAT(select(filter), IsEmpty());
  filter.key_ranges = {{"a", "b"}};  // of another length than those
  EXPECT_THAT(select(filter), IsEmpty());
}

}  // namespace
}  // namespace leadline::collector::store::record
