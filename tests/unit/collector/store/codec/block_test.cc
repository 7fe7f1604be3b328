#include "collector/store/codec/block.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/codec/floats.h"
#include "collector/store/codec/integers.h"
#include "tests/unit/collector/store/golden.h"

namespace leadline::collector::store::codec {
namespace {

using model::NativeHistogram;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::Le;

std::vector<int64_t> Times(int64_t first_ms, size_t count, int64_t step_ms = 10'000) {
  std::vector<int64_t> ts_ms;
  for (size_t i = 0; i < count; ++i) ts_ms.push_back(first_ms + static_cast<int64_t>(i) * step_ms);
  return ts_ms;
}

NativeHistogram Histogram(uint64_t count) {
  NativeHistogram histogram;
  histogram.schema = 3;
  histogram.count = count;
  histogram.sum = 0.5 * static_cast<double>(count);
  histogram.positive = {{-1, count}};
  return histogram;
}

NativeHistogram Fractions(double count) {
  NativeHistogram histogram = Histogram(0);
  histogram.reset_hint = model::ResetHint::kGauge;
  histogram.float_counts = true;
  histogram.count = model::FloatCount(count);
  histogram.positive = {{-1, model::FloatCount(count / 3)}, {4, model::FloatCount(count / 7)}};
  return histogram;
}

std::string SomeBlock(bool with_floats = true) {
  BlockWriter writer;
  writer.Add(0, Times(2000, 3), std::vector<double>{1, 2, 4});
  writer.Add(0, Times(40'000, 2), std::vector<double>{8, 16});
  writer.Add(5, Times(1003, 3), std::vector<double>{0.5, 0.25, 0.75});
  writer.Add(5, Times(1003, 2), std::vector<NativeHistogram>{Histogram(1), Histogram(5)});
  if (with_floats) {
    writer.Add(6, Times(1004, 3),
               std::vector<NativeHistogram>{Fractions(0.5), Histogram(2), Fractions(1)});
  }
  writer.Add(62, Times(5000, 8), std::vector<double>{1, 5, 6, 9, 20, 21, 22, 40});
  writer.Add(62, Times(5001, 8), std::vector<double>{2, 6, 7, 10, 21, 22, 23, 42});
  writer.Add(63, {7}, std::vector<double>{model::StaleNan()});
  return writer.Finish();
}

TEST(Block, IsWrittenAndReadAsItIsOnDisk) {
  const std::string golden = Golden("block.bin", SomeBlock());
  auto reader = BlockReader::Open(golden);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->first_ms(), 7);
  EXPECT_EQ(reader->last_ms(), 75'001);
  ASSERT_EQ(reader->runs().size(), 8u);
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
  // The last before the first: each is read without the others.
  ASSERT_TRUE(reader->Read(reader->runs()[2], ts_ms, values).ok());
  ASSERT_TRUE(reader->Read(reader->runs()[0], ts_ms, values).ok());
  EXPECT_THAT(ts_ms, ElementsAre(1003, 11'003, 21'003, 2000, 12'000, 22'000));
  EXPECT_THAT(values, ElementsAre(0.5, 0.25, 0.75, 1, 2, 4));
  std::vector<NativeHistogram> histograms;
  ASSERT_TRUE(reader->Read(reader->runs()[3], ts_ms, histograms).ok());
  EXPECT_THAT(histograms, ElementsAre(Histogram(1), Histogram(5)));
  const int64_t second_ms = ts_ms.back();
  ASSERT_TRUE(
      reader->Read(reader->runs()[3], ts_ms, histograms, {second_ms, second_ms + 1000}).ok());
  EXPECT_THAT(histograms, ElementsAre(Histogram(1), Histogram(5), Histogram(5)));
  EXPECT_EQ(ts_ms.back(), second_ms);
  EXPECT_EQ(reader->runs()[1].first_ms, 40'000);
  EXPECT_EQ(reader->runs()[1].last_ms, 50'000);
  histograms.clear();
  ASSERT_TRUE(reader->Read(reader->runs()[4], ts_ms, histograms).ok());
  EXPECT_THAT(histograms, ElementsAre(Fractions(0.5), Histogram(2), Fractions(1)));
  EXPECT_EQ(reader->runs()[7].place, 63);
  EXPECT_FALSE(reader->runs()[5].follows);
  EXPECT_TRUE(reader->runs()[6].follows);
  values.clear();
  ASSERT_TRUE(reader->Read(reader->runs()[6], ts_ms, values).ok());
  EXPECT_THAT(values, ElementsAre(2, 6, 7, 10, 21, 22, 23, 42));
}

// All samples of all runs, as they are read.
std::vector<std::string> Contents(std::string_view block) {
  auto reader = BlockReader::Open(block);
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<std::string> contents;
  if (!reader.ok()) return contents;
  for (const BlockRun& run : reader->runs()) {
    std::vector<int64_t> ts_ms;
    std::vector<double> values;
    std::vector<NativeHistogram> histograms;
    const absl::Status read = run.kind == ChunkKind::kFloat ? reader->Read(run, ts_ms, values)
                                                            : reader->Read(run, ts_ms, histograms);
    EXPECT_TRUE(read.ok()) << read;
    contents.push_back(run.kind == ChunkKind::kFloat ? EncodeChunk(ts_ms, values)
                                                     : EncodeChunk(ts_ms, histograms));
  }
  return contents;
}

TEST(Block, VersionsBeforeAreRead) {
  for (const char version : {1, 2}) {
    const std::string before = ReadGolden("block_version_" + std::to_string(version) + ".bin");
    ASSERT_EQ(before.at(0), version);
    EXPECT_EQ(Contents(before), Contents(SomeBlock(/*with_floats=*/version > 1)));
  }
}

TEST(Block, TheWriterIsEmptyWhenItHasFinished) {
  BlockWriter writer;
  EXPECT_TRUE(writer.empty());
  writer.Add(3, {5}, std::vector<double>{1});
  const std::string first = writer.Finish();
  EXPECT_TRUE(writer.empty());
  writer.Add(3, {5}, std::vector<double>{1});
  EXPECT_EQ(writer.Finish(), first);
}

// Runs that end with staleness markers, in all ways that values are written.
std::string EndedBlock() {
  const double stale = model::StaleNan();
  BlockWriter writer;
  writer.Add(1, Times(5000, 8), std::vector<double>{1, 5, 6, 9, 20, 21, 22, stale});
  writer.Add(2, Times(5001, 8), std::vector<double>{2, 6, 7, 10, 21, 22, 23, stale});
  writer.Add(3, Times(5002, 8), std::vector<double>{3, 7, 8, 11, 22, 23, 24, 42});
  writer.Add(4, Times(1003, 3), std::vector<double>{0.5, stale, stale});
  writer.Add(5, Times(1003, 3), std::vector<double>{std::sqrt(2), std::exp(1), stale});
  writer.Add(6, Times(1003, 2), std::vector<double>{stale, 3});
  return writer.Finish();
}

TEST(Block, AMarkerAtTheEndIsInTheDirectory) {
  const std::string block = EndedBlock();
  auto reader = BlockReader::Open(block);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const std::vector<BlockRun>& runs = reader->runs();
  for (size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(runs[i].ends, i != 2 && i != 5) << i;
    EXPECT_EQ(runs[i].follows, i == 1) << i << ": of all samples but the marker";
  }
  std::string alone;
  EncodeFloats(std::vector<double>{1, 5, 6, 9, 20, 21, 22}, alone);
  EXPECT_EQ(runs[0].payload, alone);
  EXPECT_EQ(runs[0].payload_count(), 7u);
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
  ASSERT_TRUE(reader->Read(runs[1], ts_ms, values).ok());
  ASSERT_TRUE(model::IsStaleNan(values.back()));
  values.pop_back();
  EXPECT_THAT(values, ElementsAre(2, 6, 7, 10, 21, 22, 23));
}

void ExpectPartsOf(const std::string& block) {
  auto reader = BlockReader::Open(block);
  ASSERT_TRUE(reader.ok());
  for (const BlockRun& run : reader->runs()) {
    if (run.kind == ChunkKind::kHistogram) continue;
    std::vector<int64_t> all_ts_ms;
    std::vector<double> all;
    ASSERT_TRUE(reader->Read(run, all_ts_ms, all).ok());
    for (const int64_t start_ms : {run.first_ms - 1, run.first_ms + 1, run.last_ms}) {
      for (const int64_t end_ms : {run.first_ms, run.last_ms - 1, run.last_ms + 1}) {
        std::vector<int64_t> ts_ms = {1};
        std::vector<double> values = {1};
        std::vector<int64_t> present_ts_ms;
        std::vector<double> present;
        ASSERT_TRUE(reader->Read(run, ts_ms, values, {start_ms, end_ms}).ok());
        ASSERT_TRUE(
            reader->Read(run, present_ts_ms, present, {start_ms, end_ms, /*presence=*/true}).ok());
        size_t next = 1;
        for (size_t i = 0; i < all.size(); ++i) {
          if (all_ts_ms[i] < start_ms || all_ts_ms[i] > end_ms) continue;
          ASSERT_LT(next, values.size());
          EXPECT_EQ(ts_ms[next], all_ts_ms[i]);
          EXPECT_EQ(std::bit_cast<uint64_t>(values[next]), std::bit_cast<uint64_t>(all[i]));
          EXPECT_EQ(model::IsStaleNan(present[next - 1]), model::IsStaleNan(all[i]));
          ++next;
        }
        EXPECT_EQ(values.size(), next);
        EXPECT_EQ(present.size(), next - 1);
        EXPECT_EQ(present_ts_ms, std::vector<int64_t>(ts_ms.begin() + 1, ts_ms.end()));
      }
    }
  }
}

TEST(Block, APartOfARunIsRead) {
  ExpectPartsOf(SomeBlock());
  ExpectPartsOf(EndedBlock());
}

// Whether there is one in (t - apart, t], and the last of these is no marker.
bool IsPresentAt(int64_t t_ms, int64_t apart_ms, const std::vector<int64_t>& ts_ms,
                 const std::vector<double>& values) {
  const auto after = std::upper_bound(ts_ms.begin(), ts_ms.end(), t_ms);
  return after != ts_ms.begin() && *std::prev(after) > t_ms - apart_ms &&
         !model::IsStaleNan(values[static_cast<size_t>(after - ts_ms.begin()) - 1]);
}

TEST(Block, WherePresenceIsAskedFewStandForManySamples) {
  BlockWriter writer;
  const std::vector<int64_t> gaps_ms = {10, 10, 10, 31, 5, 30, 1, 29, 30, 10, 10, 10, 10, 100, 2};
  std::vector<int64_t> all_ts_ms = {1000};
  for (const int64_t gap_ms : gaps_ms) all_ts_ms.push_back(all_ts_ms.back() + gap_ms);
  writer.Add(0, all_ts_ms, std::vector<double>(all_ts_ms.size(), 0.5));
  std::vector<double> with_marker(all_ts_ms.size(), 0.5);
  with_marker.back() = model::StaleNan();
  writer.Add(1, all_ts_ms, with_marker);
  with_marker[3] = model::StaleNan();
  writer.Add(2, all_ts_ms, with_marker);
  const std::string block = writer.Finish();
  auto reader = BlockReader::Open(block);
  ASSERT_TRUE(reader.ok());
  for (const int64_t apart_ms : {30, 15, 1, 1000, 100, 99, 30}) {
    for (const int64_t start_ms : {0, 1010, 1015, 1070, 1061, 1297}) {
      for (const int64_t end_ms : {1070, 1071, 1200, 1297, 1298, 2000}) {
        if (end_ms < start_ms) continue;
        for (const BlockRun& run : reader->runs()) {
          std::vector<int64_t> expected;
          std::vector<double> expected_values;
          ASSERT_TRUE(
              reader->Read(run, expected, expected_values, {.start_ms = start_ms, .end_ms = end_ms})
                  .ok());
          std::vector<int64_t> ts_ms;
          std::vector<double> values;
          ASSERT_TRUE(reader
                          ->Read(run, ts_ms, values,
                                 {.start_ms = start_ms,
                                  .end_ms = end_ms,
                                  .presence = true,
                                  .apart_ms = apart_ms})
                          .ok());
          ASSERT_EQ(values.size(), ts_ms.size());
          EXPECT_TRUE(Ascend(ts_ms));
          EXPECT_THAT(ts_ms, Each(AllOf(Ge(std::max(start_ms, all_ts_ms.front())),
                                        Le(std::min(end_ms, all_ts_ms.back())))));
          for (int64_t t_ms = start_ms + apart_ms - 1; t_ms <= end_ms; ++t_ms) {
            ASSERT_EQ(IsPresentAt(t_ms, apart_ms, ts_ms, values),
                      IsPresentAt(t_ms, apart_ms, expected, expected_values))
                << t_ms << " " << apart_ms << " " << start_ms << " " << end_ms;
          }
          if (run.place == 2) {
            EXPECT_EQ(ts_ms, expected) << "there is a marker";
          } else {
            EXPECT_LE(ts_ms.size(), apart_ms == 1000 ? 2 : all_ts_ms.size());
          }
        }
      }
    }
  }
}

TEST(Block, TheLongestDistanceTellsPresenceWithoutTimestamps) {
  const std::vector<int64_t> ts_ms = {1000, 1009, 1020, 1030, 1037};
  const std::vector<double> values = {0.5, 0.25, 0.75, 0.5, 0.5};
  BlockWriter writer;
  writer.Add(0, ts_ms, values);
  std::string block = writer.Finish();
  std::vector<int64_t> offsets_ms;
  for (const int64_t ts : ts_ms) offsets_ms.push_back(ts - ts_ms.front());
  std::string pattern;
  EncodeIntegers(offsets_ms, pattern);
  block[block.find(pattern)] = '\xff';
  auto reader = BlockReader::Open(block);
  ASSERT_TRUE(reader.ok());
  const auto read = [&](const Wanted& wanted) {
    std::vector<int64_t> read_ts_ms;
    std::vector<double> read_values;
    const absl::Status status = reader->Read(reader->runs()[0], read_ts_ms, read_values, wanted);
    EXPECT_EQ(read_values.size(), read_ts_ms.size());
    return status.ok() ? read_ts_ms : std::vector<int64_t>();
  };
  EXPECT_THAT(read({.presence = true, .apart_ms = 11}), ElementsAre(1000, 1011, 1022, 1033, 1037));
  EXPECT_THAT(read({.start_ms = 1001, .end_ms = 1025, .presence = true, .apart_ms = 300}),
              ElementsAre(1001, 1025));
  EXPECT_THAT(read({.start_ms = 1037, .presence = true, .apart_ms = 300}), ElementsAre(1037));
  EXPECT_THAT(read({.presence = true, .apart_ms = 10}), ElementsAre()) << "they had to be decoded";
  EXPECT_THAT(read({}), ElementsAre());
}

using model::HistogramColumns;

// What is in the columns at `i`; every bucket that is not named has to be empty.
void ExpectAt(const HistogramColumns& columns, size_t i, const NativeHistogram& histogram) {
  EXPECT_EQ(columns.Column(HistogramColumns::kZeroCount)[i],
            histogram.AsDouble(histogram.zero_count));
  EXPECT_EQ(columns.Column(HistogramColumns::kCount)[i], histogram.AsDouble(histogram.count));
  EXPECT_EQ(columns.Column(HistogramColumns::kSum)[i], histogram.sum);
  size_t filled = 0;
  for (size_t k = 0; k < columns.buckets().size(); ++k) {
    const model::BucketId id = columns.buckets()[k];
    double count = 0;
    for (const auto& bucket : id.is_negative ? histogram.negative : histogram.positive) {
      if (bucket.index == id.index) count = histogram.AsDouble(bucket.count);
    }
    filled += count != 0 ? 1 : 0;
    EXPECT_EQ(columns.Column(HistogramColumns::kFields + k)[i], count) << i << " " << k;
  }
  EXPECT_EQ(filled, histogram.positive.size() + histogram.negative.size());
}

std::optional<HistogramColumns> ColumnsOf(const std::vector<NativeHistogram>& histograms,
                                          const Wanted& wanted) {
  BlockWriter writer;
  writer.Add(3, Times(1000, histograms.size()), histograms);
  const std::string block = writer.Finish();
  auto reader = BlockReader::Open(block);
  const BlockRun& run = reader->runs()[0];
  std::vector<int64_t> ts_ms;
  EXPECT_TRUE(reader->ReadTimes(run, ts_ms, wanted).ok());
  JoinedColumns joined{.size = ts_ms.size()};
  if (!reader->ReadColumns(run, wanted, joined)) return std::nullopt;
  EXPECT_EQ(joined.filled, joined.size);
  return std::move(joined.columns);
}

// `is_float`: of histogram i.
void ExpectColumns(bool (*is_float)(uint64_t i)) {
  std::vector<NativeHistogram> histograms;
  NativeHistogram histogram;
  histogram.schema = 3;
  histogram.zero_threshold = 1e-9;
  for (uint64_t i = 0; i < 40; ++i) {
    histogram.count += 3;
    histogram.zero_count += i % 2;
    histogram.sum += 0.25;
    histogram.positive = {{-7, i + 1}, {2, 2 * i + 1}};
    if (i > 20) histogram.positive.push_back({5, i});
    if (i > 10) histogram.negative = {{-2, i}};
    histogram.reset_hint =
        i == 12 || i == 30 ? model::ResetHint::kReset : model::ResetHint::kUnknown;
    NativeHistogram added = histogram;
    if (is_float(i)) {
      added.float_counts = true;
      const auto third = [](uint64_t& count) {
        count = model::FloatCount(static_cast<double>(count) / 3);
      };
      third(added.count);
      third(added.zero_count);
      for (auto& bucket : added.positive) third(bucket.count);
      for (auto& bucket : added.negative) third(bucket.count);
    }
    histograms.push_back(added);
  }
  const std::vector<int64_t> times = Times(1000, histograms.size());
  const auto columns = ColumnsOf(histograms, {times[10], times[35]});
  ASSERT_TRUE(columns.has_value());
  ASSERT_EQ(columns->size(), 26u);
  EXPECT_EQ(columns->layout(), (model::BucketLayout{3, 1e-9}));
  EXPECT_THAT(columns->said_resets, ElementsAre(2, 20));
  for (size_t i = 0; i < columns->size(); ++i) ExpectAt(*columns, i, histograms[10 + i]);

  // What is not of one layout is left to others.
  const auto has_columns_with = [&](const NativeHistogram& other) {
    std::vector<NativeHistogram> both = histograms;
    both.back() = other;
    return ColumnsOf(both, {}).has_value();
  };
  EXPECT_TRUE(has_columns_with(histogram));
  NativeHistogram other = histogram;
  other.schema = 2;
  EXPECT_FALSE(has_columns_with(other));
  other = histogram;
  other.zero_threshold = 1;
  EXPECT_FALSE(has_columns_with(other));
  other = histogram;
  other.reset_hint = model::ResetHint::kGauge;
  EXPECT_FALSE(has_columns_with(other));
  other = histogram;
  other.sum = model::StaleNan();
  EXPECT_FALSE(has_columns_with(other));
  other = histogram;
  other.positive.push_back({5000, uint64_t{1} << 60});
  EXPECT_TRUE(has_columns_with(other));
  for (int32_t i = 5001; i < 7000; ++i) other.positive.push_back({i, 1});
  EXPECT_FALSE(has_columns_with(other));
  other = histogram;
  other.custom_bounds = {1, 2};
  EXPECT_FALSE(has_columns_with(other));
}

TEST(Block, HistogramsOfOneLayoutAreReadAsColumns) {
  ExpectColumns([](uint64_t) { return false; });
  ExpectColumns([](uint64_t) { return true; });
  ExpectColumns([](uint64_t i) { return i % 3 == 0; });
}

TEST(Floats, APartIsWhatAllHaveThere) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::vector<double>> columns = {{7, 7, 7, 7, 7},
                                              {1, 2, 4, 8, 16},
                                              {0.25, 0.5, 0.5, 1.75, 3},
                                              {1, kNan, 3, model::StaleNan(), 5}};
  columns.push_back({std::sqrt(2), 1e-300, std::exp(1), 1e300, std::sqrt(3)});
  for (const std::vector<double>& column : columns) {
    std::string encoded;
    EncodeFloats(column, encoded);
    for (size_t begin = 0; begin < column.size(); ++begin) {
      for (size_t end = begin + 1; end <= column.size(); ++end) {
        std::vector<double> part(end - begin);
        ByteReader reader(encoded);
        DecodeFloats(reader, column.size(), begin, absl::MakeSpan(part));
        ASSERT_TRUE(reader.ok() && reader.AtEnd());
        EXPECT_EQ(0, std::memcmp(part.data(), column.data() + begin, part.size() * sizeof(double)));
      }
    }
  }
}

TEST(Floats, TellWhetherTheyMayHaveMarkers) {
  const auto have_none = [](std::vector<double> values) {
    std::string encoded;
    EncodeFloats(values, encoded);
    return HaveNoMarkers(encoded);
  };
  EXPECT_TRUE(have_none({1, 2, 5}));
  EXPECT_TRUE(have_none({0.5, 0.25}));
  EXPECT_TRUE(have_none({7, 7}));
  EXPECT_FALSE(have_none({1, 2, model::StaleNan()}));
  EXPECT_FALSE(have_none({model::StaleNan(), model::StaleNan()}));
  EXPECT_FALSE(HaveNoMarkers(""));
}

void ExpectTakenOver(const std::string& block) {
  auto reader = BlockReader::Open(block);
  ASSERT_TRUE(reader.ok());
  BlockWriter writer;
  for (const BlockRun& run : reader->runs()) {
    std::vector<int64_t> ts_ms;
    ASSERT_TRUE(reader->ReadTimes(run, ts_ms).ok());
    BlockRun alone = run;
    std::string payload;
    if (run.follows) {
      std::vector<double> values;
      ASSERT_TRUE(reader->Read(run, ts_ms, values).ok());
      ts_ms.resize(run.count);
      values.resize(run.payload_count());
      EncodeFloats(values, payload);
      alone.follows = false;
      alone.payload = payload;
    }
    writer.AddEncoded(alone, ts_ms);
  }
  const std::string again = writer.Finish();
  auto copy = BlockReader::Open(again);
  ASSERT_TRUE(copy.ok());
  for (size_t i = 0; i < copy->runs().size(); ++i) {
    if (copy->runs()[i].kind == ChunkKind::kHistogram) continue;
    std::vector<int64_t> ts_ms;
    std::vector<double> values;
    std::vector<int64_t> copied_ts_ms;
    std::vector<double> copied;
    ASSERT_TRUE(reader->Read(reader->runs()[i], ts_ms, values).ok());
    ASSERT_TRUE(copy->Read(copy->runs()[i], copied_ts_ms, copied).ok());
    EXPECT_EQ(copied_ts_ms, ts_ms);
    ASSERT_EQ(copied.size(), values.size());
    EXPECT_EQ(0, std::memcmp(copied.data(), values.data(), values.size() * sizeof(double)));
  }
}

TEST(Block, ARunIsTakenOverAsItIs) {
  ExpectTakenOver(SomeBlock());
  ExpectTakenOver(EndedBlock());
}

// Buckets of a classic histogram, cumulative by bound: in whatever order they are read, and each
// for a fraction of what it takes alone.
TEST(Block, RunsThatGoAlongWithTheOneBeforeTakeLittle) {
  std::mt19937_64 random(4);
  constexpr size_t kBuckets = 40;
  constexpr size_t kSamples = 300;
  std::vector<std::vector<double>> buckets(kBuckets, std::vector<double>(kSamples));
  std::vector<double> totals(kBuckets);
  for (size_t i = 0; i < kSamples; ++i) {
    for (uint64_t requests = random() % 60; requests > 0; --requests) {
      for (size_t b = random() % 12; b < kBuckets; ++b) ++totals[b];
    }
    for (size_t b = 0; b < kBuckets; ++b) buckets[b][i] = totals[b];
  }
  BlockWriter together;
  size_t alone_bytes = 0;
  for (size_t b = 0; b < kBuckets; ++b) {
    together.Add(b, Times(1000, kSamples), buckets[b]);
    std::string alone;
    EncodeFloats(buckets[b], alone);
    alone_bytes += alone.size();
  }
  const std::string block = together.Finish();
  EXPECT_LT(block.size(), alone_bytes / 2);
  auto reader = BlockReader::Open(block);
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (const size_t step : {size_t{1}, size_t{7}, size_t{39}}) {
    for (size_t i = 0; i < kBuckets; ++i) {
      const size_t b = i * step % kBuckets;
      std::vector<int64_t> ts_ms;
      std::vector<double> values;
      ASSERT_TRUE(reader->Read(reader->runs()[b], ts_ms, values).ok());
      ASSERT_EQ(values, buckets[b]) << b;
    }
  }
}

// Scraped at the same irregular moments, some milliseconds apart, as the containers of a node are.
TEST(Block, TimestampsThatAreTheSameDistancesApartAreThereOnce) {
  std::mt19937_64 random(1);
  std::vector<int64_t> pattern = Times(1'700'000'000'000, 360);
  for (int64_t& ts_ms : pattern) ts_ms += static_cast<int64_t>(random() % 9);
  const auto size_of = [&](size_t series) {
    BlockWriter writer;
    for (size_t i = 0; i < series; ++i) {
      std::vector<int64_t> ts_ms = pattern;
      for (int64_t& ts : ts_ms) ts += static_cast<int64_t>(i);
      writer.Add(i, ts_ms, std::vector<double>(360, 1));
    }
    return writer.Finish().size();
  };
  EXPECT_LE(size_of(64) - size_of(1), 63u * 12);
}

TEST(Block, RoundTripsWhateverComes) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    BlockWriter writer;
    std::vector<std::pair<std::vector<int64_t>, std::vector<double>>> runs;
    for (size_t place = random() % 5; place < kBlockPlaces; place += 1 + random() % 9) {
      auto first_ms = static_cast<int64_t>(random() % 4'000'000'000'000);
      for (size_t i = random() % 3; i < 3; ++i) {
        std::vector<int64_t> ts_ms;
        std::vector<double> values;
        for (size_t count = 1 + random() % 100; count > 0; --count) {
          ts_ms.push_back(first_ms);
          first_ms += static_cast<int64_t>(1 + random() % (round % 2 ? 2 : 20'000));
          values.push_back(static_cast<double>(random() % 1000));
        }
        writer.Add(place, ts_ms, values);
        runs.emplace_back(std::move(ts_ms), std::move(values));
      }
    }
    const std::string block = writer.Finish();
    auto reader = BlockReader::Open(block);
    ASSERT_TRUE(reader.ok()) << reader.status();
    ASSERT_EQ(reader->runs().size(), runs.size());
    for (size_t i = 0; i < runs.size(); ++i) {
      std::vector<int64_t> ts_ms;
      std::vector<double> values;
      ASSERT_TRUE(reader->Read(reader->runs()[i], ts_ms, values).ok());
      ASSERT_EQ(ts_ms, runs[i].first);
      ASSERT_EQ(values, runs[i].second);
    }
  }
}

// Reads all that can be read.
absl::Status ReadAll(std::string_view block) {
  auto reader = BlockReader::Open(block);
  if (!reader.ok()) return reader.status();
  absl::Status status;
  for (const BlockRun& run : reader->runs()) {
    std::vector<int64_t> ts_ms;
    std::vector<double> values;
    std::vector<NativeHistogram> histograms;
    const absl::Status read = run.kind == ChunkKind::kFloat ? reader->Read(run, ts_ms, values)
                                                            : reader->Read(run, ts_ms, histograms);
    EXPECT_EQ(ts_ms.size(), read.ok() ? run.count : 0);
    EXPECT_EQ(values.size() + histograms.size(), read.ok() ? run.count : 0);
    status.Update(read);
  }
  return status;
}

TEST(Block, EveryTruncationIsDataLoss) {
  for (const std::string& block : {SomeBlock(), EndedBlock()}) {
    ASSERT_TRUE(ReadAll(block).ok());
    for (size_t size = 1; size < block.size(); ++size) {
      EXPECT_EQ(ReadAll(block.substr(0, size)).code(), absl::StatusCode::kDataLoss) << size;
    }
  }
}

TEST(Block, FlippedBitsNeverCrash) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20'000; ++round) {
    std::string block = round % 2 == 0 ? SomeBlock() : EndedBlock();
    for (size_t flips = 0; flips <= random() % 4; ++flips) {
      char& byte = block[random() % block.size()];
      byte = static_cast<char>(byte ^ 1 << random() % 8);
    }
    ReadAll(block).IgnoreError();
  }
}

TEST(Block, ANewerVersionIsNotReadAsThisOne) {
  std::string block = SomeBlock();
  block[0] = kBlockVersion + 1;
  EXPECT_EQ(ReadAll(block).code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace leadline::collector::store::codec
