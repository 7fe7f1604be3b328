#include "collector/store/log/record.h"

#include <bit>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/log/segment.h"
#include "tests/unit/collector/store/golden.h"

namespace leadline::collector::store::log {
namespace {

WriteBatch SampleBatch() {
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
  return batch;
}

std::string AllTypes() {
  std::string payload;
  AppendRecord(SeriesRecord{"default",
                            {{8, {"up", HashId({"e"}), LabelSet({{"x", "y"}})}},
                             {3, {"down", HashId({"e"}), LabelSet()}}}},
               payload);
  AppendRecord("default", SampleBatch(), payload);
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
  ASSERT_EQ(batch.histograms.size(), 1u);
  EXPECT_EQ(batch.histograms[0].values, expected.histograms[0].values);

  EXPECT_EQ(std::get<WritersRecord>(records[2]).rows,
            (std::vector<WritersRecord::Row>{{"default", expected.writer, 99}}));
  EXPECT_EQ(std::get<EntitiesRecord>(records[3]).versions, expected.entities);
}

TEST(Record, IsWrittenAndReadAsItIsOnDisk) {
  std::string segment;
  AppendSegmentHeader(12, segment);
  AppendFrame(12, AllTypes(), segment);
  const std::string golden = Golden("segment.log", segment);
  std::vector<Record> records;
  const auto end =
      ReadSegment(golden, "segment.log", 12, /*is_last=*/false,
                  [&](const Frame& frame) { return ReadRecords(frame.payload, records); });
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(records.size(), 4u);
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
  EXPECT_EQ(ReadRecords(std::string("\x63\x02\x00", 3), records).code(),
            absl::StatusCode::kUnimplemented);
  for (const char* version : {"\x01\x01", "\x01\x03"}) {
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
