#include "collector/store/log/record.h"

#include <bit>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/log/segment.h"
#include "tests/unit/collector/store/golden.h"

namespace leadline::collector::store::log {
namespace {

WriteBatch SampleBatch(bool with_floats = true) {
  WriteBatch batch;
  batch.writer = {HashId({"agent"}), 3};
  batch.sequence = 99;
  batch.entities.push_back({HashId({"e"}), model::EntityKind::kPod, LabelSet({{"pod", "p"}}),
                            LabelSet({{"label_app", "a"}}), 5, model::kOpenEnd, 6, 7});
  batch.series = {8, 3, ~uint64_t{0}};
  batch.floats.push_back({1000, {2, 0, 1}, {1.5, model::StaleNan(), -0.0}});
  batch.floats.push_back({-1, {}, {}});
  model::NativeHistogram histogram;
  histogram.schema = -4;
  histogram.zero_threshold = 1e-128;
  histogram.zero_count = 1;
  histogram.count = ~uint64_t{0};
  histogram.sum = 1.25;
  histogram.positive = {{-2147483647 - 1, 1}, {2147483647, 5}};
  histogram.negative = {{0, 7}};
  model::NativeHistogram custom;
  custom.schema = model::kCustomBuckets;
  custom.reset_hint = model::ResetHint::kGauge;
  custom.count = 3;
  custom.positive = {{2, 3}};
  custom.custom_bounds = {-0.5, 1e300};
  batch.histograms.push_back({2000, {1, 2}, {histogram, custom}});
  if (!with_floats) return batch;
  model::NativeHistogram rate;
  rate.schema = 8;
  rate.reset_hint = model::ResetHint::kGauge;
  rate.float_counts = true;
  rate.zero_count = model::FloatCount(std::numeric_limits<double>::quiet_NaN());
  rate.count = model::FloatCount(1.0 / 3);
  rate.sum = -0.0;
  rate.positive = {{-1, model::FloatCount(7)}, {1, model::FloatCount(0.25)}};
  rate.negative = {{3, model::FloatCount(std::numeric_limits<double>::infinity())}};
  custom.float_counts = true;
  custom.count = model::FloatCount(1.5);
  custom.positive = {{2, model::FloatCount(1.5)}};
  batch.histograms.push_back({2001, {0, 1}, {rate, custom}});
  return batch;
}

std::string AllTypes(bool with_floats = true) {
  std::string payload;
  AppendRecord(SeriesRecord{"default",
                            {{8, {"up", HashId({"e"}), LabelSet({{"x", "y"}})}},
                             {3, {"down", HashId({"e"}), LabelSet()}}}},
               payload);
  AppendRecord("default", SampleBatch(with_floats), payload);
  AppendRecord(WritersRecord{{{"default", {HashId({"agent"}), 3}, 99}}}, payload);
  AppendRecord(EntitiesRecord{"default", SampleBatch().entities}, payload);
  return payload;
}

TEST(Record, RoundTripsEveryType) {
  std::vector<Record> records;
  ASSERT_TRUE(ReadRecords(AllTypes(), records).ok());
  ASSERT_EQ(records.size(), 4u);
  const auto& series = std::get<SeriesRecord>(records[0]);
  ASSERT_EQ(series.rows.size(), 2u);
  EXPECT_EQ(series.rows[0].handle, 8u);
  EXPECT_EQ(series.rows[0].definition,
            (model::SeriesDefinition{"up", HashId({"e"}), LabelSet({{"x", "y"}})}));

  const WriteBatch expected = SampleBatch();
  const WriteBatch& batch = std::get<BatchRecord>(records[1]).batch;
  EXPECT_EQ(batch.writer, expected.writer);
  EXPECT_EQ(batch.sequence, expected.sequence);
  EXPECT_EQ(batch.entities, expected.entities);
  EXPECT_EQ(batch.series, expected.series);
  ASSERT_EQ(batch.floats.size(), 2u);
  EXPECT_EQ(batch.floats[0].series, expected.floats[0].series);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(std::bit_cast<uint64_t>(batch.floats[0].values[i]),
              std::bit_cast<uint64_t>(expected.floats[0].values[i]));
  }
  EXPECT_EQ(batch.floats[1].ts_ms, -1);
  ASSERT_EQ(batch.histograms.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(batch.histograms[i].values, expected.histograms[i].values);
  }

  EXPECT_EQ(std::get<WritersRecord>(records[2]).rows,
            (std::vector<WritersRecord::Row>{{"default", expected.writer, 99}}));
  EXPECT_EQ(std::get<EntitiesRecord>(records[3]).versions, expected.entities);
}

TEST(Record, IsWrittenAndReadAsItIsOnDisk) {
  std::string segment;
  AppendSegmentHeader(12, 4711, segment);
  AppendFrame({12, 9}, AllTypes(), segment);
  const std::string golden = Golden("segment.log", segment);
  std::vector<Record> records;
  const auto end =
      ReadSegment(golden, "segment.log", 12, /*is_last=*/false,
                  [&](const Frame& frame) { return ReadRecords(frame.payload, records); });
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(records.size(), 4u);
}

// Records of version 3, which had no float counts.
TEST(Record, TheVersionBeforeIsRead) {
  std::vector<Record> records;
  const auto end =
      ReadSegment(ReadGolden("segment_records_version_3.log"), "segment.log", 12, /*is_last=*/false,
                  [&](const Frame& frame) { return ReadRecords(frame.payload, records); });
  ASSERT_TRUE(end.ok()) << end.status();
  ASSERT_EQ(records.size(), 4u);
  const auto& read = std::get<BatchRecord>(records[1]);
  std::string again;
  AppendRecord(read.tenant, read.batch, again);
  std::string now;
  AppendRecord("default", SampleBatch(/*with_floats=*/false), now);
  EXPECT_EQ(again, now);
}

TEST(Record, SaysWhoWroteWithoutReadingWhat) {
  WritersRecord writers;
  ASSERT_TRUE(ReadWriters(AllTypes(), writers).ok());
  const WritersRecord::Row row{"default", {HashId({"agent"}), 3}, 99};
  EXPECT_EQ(writers.rows, (std::vector<WritersRecord::Row>{row, row}));
}

// Integers of any size, and what is none, come back bit by bit; so do runs of any kind.
TEST(Record, KeepsEveryValueAndIndex) {
  std::mt19937_64 random(3);
  WriteBatch batch;
  for (int i = 0; i < 300; ++i) {
    const SeriesHandle before = batch.series.empty() ? 0 : batch.series.back();
    batch.series.push_back(random() % 3 == 0 ? random() : before + 1);
  }
  for (int i = 0; i < 50; ++i) {
    FloatFrame frame{static_cast<int64_t>(random() >> 10), {}, {}};
    for (uint32_t at = 0; at < 300; ++at) {
      if (random() % 4 == 0) continue;
      frame.series.push_back(random() % 20 == 0 ? 299 - at : at);
      const auto integer = static_cast<int64_t>(random()) >> (random() % 64);
      const double values[] = {static_cast<double>(integer), std::bit_cast<double>(random()), -0.0,
                               9007199254740992.0, -9007199254740992.0};
      frame.values.push_back(values[random() % 5]);
    }
    batch.floats.push_back(std::move(frame));
  }
  std::string payload;
  AppendRecord("t", batch, payload);
  std::vector<Record> records;
  ASSERT_TRUE(ReadRecords(payload, records).ok());
  const WriteBatch& read = std::get<BatchRecord>(records[0]).batch;
  EXPECT_EQ(read.series, batch.series);
  ASSERT_EQ(read.floats.size(), batch.floats.size());
  for (size_t i = 0; i < read.floats.size(); ++i) {
    EXPECT_EQ(read.floats[i].ts_ms, batch.floats[i].ts_ms);
    EXPECT_EQ(read.floats[i].series, batch.floats[i].series);
    for (size_t at = 0; at < batch.floats[i].values.size(); ++at) {
      EXPECT_EQ(std::bit_cast<uint64_t>(read.floats[i].values[at]),
                std::bit_cast<uint64_t>(batch.floats[i].values[at]));
    }
  }
}

TEST(Record, ABatchOfNeighboursTakesLittleMoreThanItsValues) {
  WriteBatch batch;
  batch.floats.push_back({1'700'000'000'000, {}, {}});
  for (uint32_t i = 0; i < 6000; ++i) {
    batch.series.push_back((uint64_t{3} << 32) + i);
    batch.floats[0].series.push_back(i);
    batch.floats[0].values.push_back(5);
  }
  std::string payload;
  AppendRecord("t", batch, payload);
  EXPECT_LT(payload.size(), 6000u + 100);
}

TEST(Record, TruncationIsNeverTakenForAWholeRecord) {
  const std::string payload = AllTypes();
  for (size_t size = 1; size < payload.size(); ++size) {
    std::vector<Record> records;
    EXPECT_TRUE(!ReadRecords(payload.substr(0, size), records).ok() || records.size() < 4);
  }
}

TEST(Record, FlippedBitsNeverCrash) {
  std::mt19937_64 random(2);
  const std::string payload = AllTypes();
  for (int round = 0; round < 50'000; ++round) {
    std::string damaged = payload;
    for (size_t flips = 0; flips <= random() % 4; ++flips) {
      char& byte = damaged[random() % damaged.size()];
      byte = static_cast<char>(byte ^ 1 << random() % 8);
    }
    std::vector<Record> records;
    ReadRecords(damaged, records).IgnoreError();
  }
}

TEST(Record, AnUnknownTypeOrVersionIsOfAnotherProgram) {
  std::vector<Record> records;
  EXPECT_EQ(ReadRecords(std::string("\x63\x03\x00", 3), records).code(),
            absl::StatusCode::kUnimplemented);
  for (const char* version : {"\x01\x02", "\x01\x05"}) {
    EXPECT_EQ(ReadRecords(std::string(version) + '\0', records).code(),
              absl::StatusCode::kUnimplemented);
  }
}

TEST(Record, IndicesBeyondTheBatchAreMalformed) {
  WriteBatch batch;
  batch.series = {1};
  batch.floats.push_back({0, {1}, {1.0}});
  std::string payload;
  AppendRecord("t", batch, payload);
  std::vector<Record> records;
  EXPECT_EQ(ReadRecords(payload, records).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace leadline::collector::store::log
