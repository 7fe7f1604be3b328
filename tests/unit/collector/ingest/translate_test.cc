#include "collector/ingest/translate.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace leadline::collector::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kNewestMs = 1'000'000;

v1::Batch BatchOf(const std::string& text) {
  v1::Batch message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

// Series 0, 1, 2 and 5 are defined, with handles 100 and up.
class Translation : public testing::Test {
 protected:
  Translation() : tables_({}) { tables_.SetHandles({0, 1, 2, 5}, {100, 101, 102, 105}); }
  SessionTables tables_;
};

struct Refused {
  const char* name;
  const char* frame;
  Reason reason;
  const char* text;
};

class BadBatch : public Translation, public testing::WithParamInterface<Refused> {};

TEST_P(BadBatch, IsRefused) {
  const Refused& c = GetParam();
  store::WriteBatch batch;
  uint64_t samples = 0;
  const auto refusal = Translate(BatchOf(std::string("sequence: 1 frames { ") + c.frame + " }"),
                                 kNewestMs, tables_, &batch, &samples);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(kReasonNames[static_cast<size_t>(refusal->reason)],
            std::string_view(kReasonNames[static_cast<size_t>(c.reason)]));
  EXPECT_THAT(std::string(refusal->status.message()), HasSubstr(c.text));
}

#define H "timestamp_unix_ms: 1 histograms { series: 0 sum: 0 zero_count: 0 zero_threshold: 0 "
INSTANTIATE_TEST_SUITE_P(
    Table, BadBatch,
    testing::Values(
        Refused{"timestamp_missing", "", Reason::kTimestamp, "timestamp 0 ms"},
        Refused{"timestamp_negative", "timestamp_unix_ms: -5", Reason::kTimestamp, "-5 ms"},
        Refused{"timestamp_ahead", "timestamp_unix_ms: 1000001", Reason::kTimestamp,
                "1 ms further ahead"},
        Refused{"timestamp_far_ahead", "timestamp_unix_ms: 9223372036854775807", Reason::kTimestamp,
                "ahead of the collector's clock"},
        Refused{"fewer_integers", "timestamp_unix_ms: 1 integer_series: [0, 1] integers: 4",
                Reason::kColumns, "column integers has 1 values for 2 series"},
        Refused{"more_integers", "timestamp_unix_ms: 1 integers: 4", Reason::kColumns,
                "column integers has 1 values for 0 series"},
        Refused{"fewer_doubles", "timestamp_unix_ms: 1 double_series: 0", Reason::kColumns,
                "column doubles has 0 values for 1 series"},
        Refused{"unknown_series", "timestamp_unix_ms: 1 integer_series: 3 integers: 4",
                Reason::kUnknownRef, "integer_series has series 3"},
        Refused{"unknown_after_difference",
                "timestamp_unix_ms: 1 double_series: [2, 1] doubles: [4, 4]", Reason::kUnknownRef,
                "double_series has series 3"},
        Refused{"refs_overflow",
                "timestamp_unix_ms: 1 integer_series: [1, 4294967295] integers: [4, 4]",
                Reason::kUnknownRef, "series 4294967296"},
        Refused{"series_twice", "timestamp_unix_ms: 1 integer_series: [1, 0] integers: [4, 4]",
                Reason::kColumns, "integer_series has series 1 twice"},
        Refused{"series_in_two_columns",
                "timestamp_unix_ms: 1 integer_series: 1 integers: 4 double_series: 1 doubles: 4",
                Reason::kColumns, "series 1 is in two columns"},
        Refused{"histogram_column_missing",
                "timestamp_unix_ms: 1 histograms { series: 0 schema: 0 sum: 0 zero_count: 0 "
                "bucket_count: 0 }",
                Reason::kColumns, "column zero_threshold has 0 values for 1 series"},
        Refused{"histogram_series_missing", "timestamp_unix_ms: 1 histograms { schema: 0 }",
                Reason::kColumns, "column schema has 1 values for 0 series"},
        Refused{"buckets_missing", H "schema: 0 bucket_count: 2 bucket_index: 1 bucket_value: 1 }",
                Reason::kColumns, "bucket_count has 2 buckets, bucket_index 1, bucket_value 1"},
        Refused{"buckets_too_many", H "schema: 0 bucket_count: 0 bucket_index: 1 bucket_value: 1 }",
                Reason::kColumns, "bucket_count has 0 buckets, bucket_index 1"},
        Refused{"buckets_overflow", H "schema: 0 bucket_count: 4294967295 }", Reason::kColumns,
                "bucket_count has 4294967295 buckets"},
        Refused{"schema_low", H "schema: -5 bucket_count: 0 }", Reason::kHistogram, "schema -5"},
        Refused{"schema_high", H "schema: 9 bucket_count: 0 }", Reason::kHistogram, "schema 9"},
        Refused{"zero_threshold_nan",
                "timestamp_unix_ms: 1 histograms { series: 0 schema: 0 sum: 0 zero_count: 0 "
                "zero_threshold: nan bucket_count: 0 }",
                Reason::kHistogram, "zero_threshold nan"},
        Refused{"bucket_empty", H "schema: 0 bucket_count: 1 bucket_index: 1 bucket_value: 0 }",
                Reason::kHistogram, "bucket 1 is empty"},
        Refused{"buckets_not_ascending",
                H "schema: 0 bucket_count: 2 bucket_index: [1, 0] bucket_value: [1, 1] }",
                Reason::kHistogram, "do not ascend"},
        Refused{"bucket_index_far",
                H "schema: 0 bucket_count: 1 bucket_index: 2147483647 bucket_value: 1 }",
                Reason::kHistogram, "bucket index 2147483647"},
        Refused{"observations_overflow",
                H "schema: 0 bucket_count: 2 bucket_index: [1, 1] "
                  "bucket_value: [18446744073709551615, 1] }",
                Reason::kHistogram, "more than 2^64"}),
    [](const auto& test) { return std::string(test.param.name); });
#undef H

TEST_F(Translation, ColumnsBecomeFramesOverTheBatchsSeries) {
  store::WriteBatch batch;
  uint64_t samples = 0;
  const auto refusal = Translate(
      BatchOf(
          "sequence: 7 "
          "frames { timestamp_unix_ms: 10 integer_series: [1, 4] integers: [-3, 9007199254740992] "
          "         double_series: 2 doubles: 0.5 } "
          "frames { timestamp_unix_ms: 20 double_series: 5 doubles: 1.5 "
          "         histograms { series: 0 schema: 2 sum: 8.5 zero_count: 1 zero_threshold: 0.25 "
          "                      bucket_count: 2 bucket_index: [-4, 6] bucket_value: [10, 20] } } "
          "frames { timestamp_unix_ms: 1000000 }"),
      kNewestMs, tables_, &batch, &samples);
  ASSERT_FALSE(refusal) << refusal->status;
  EXPECT_EQ(samples, 5);
  EXPECT_EQ(batch.sequence, 7);
  EXPECT_THAT(batch.series, ElementsAre(101, 105, 102, 100));
  ASSERT_EQ(batch.floats.size(), 2);
  EXPECT_EQ(batch.floats[0].ts_ms, 10);
  EXPECT_THAT(batch.floats[0].series, ElementsAre(0, 1, 2));
  EXPECT_THAT(batch.floats[0].values, ElementsAre(-3, 9007199254740992.0, 0.5));
  EXPECT_THAT(batch.floats[1].series, ElementsAre(1));
  ASSERT_EQ(batch.histograms.size(), 1);
  EXPECT_EQ(batch.histograms[0].ts_ms, 20);
  EXPECT_THAT(batch.histograms[0].series, ElementsAre(3));
  EXPECT_EQ(batch.histograms[0].values[0], (model::NativeHistogram{.schema = 2,
                                                                   .zero_threshold = 0.25,
                                                                   .zero_count = 1,
                                                                   .count = 31,
                                                                   .sum = 8.5,
                                                                   .positive = {{-4, 10}, {2, 20}},
                                                                   .negative = {}}));
}

// What a batch is translated with is shared by all sessions, and by refused batches.
TEST_F(Translation, SessionsTakeTurns) {
  SessionTables others({});
  others.SetHandles({0, 1, 2}, {200, 201, 202});
  const auto translate = [](const char* frames, SessionTables& tables) {
    store::WriteBatch batch;
    uint64_t samples = 0;
    const auto refusal = Translate(BatchOf(std::string("sequence: 1 ") + frames), kNewestMs, tables,
                                   &batch, &samples);
    return std::pair(refusal.has_value(), batch.series);
  };
  constexpr const char* kTwo =
      "frames { timestamp_unix_ms: 10 integer_series: [1, 1] integers: [1, 2] } "
      "frames { timestamp_unix_ms: 20 integer_series: 0 integers: 1 double_series: 2 doubles: 1 }";
  constexpr const char* kBad =
      "frames { timestamp_unix_ms: 10 integer_series: [0, 1, 1, 1] integers: [1, 2, 3, 4] }";
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_THAT(translate(kTwo, tables_).second, ElementsAre(101, 102, 100));
    EXPECT_TRUE(translate(kBad, others).first);
    EXPECT_THAT(translate(kTwo, others).second, ElementsAre(201, 202, 200));
  }
}

TEST_F(Translation, AHistogramOfTooManyBucketsIsRefused) {
  for (const bool over : {false, true}) {
    const auto count = static_cast<uint32_t>(kMaxHistogramBuckets) + (over ? 1 : 0);
    v1::Batch message = BatchOf(
        "sequence: 1 frames { timestamp_unix_ms: 1 histograms { series: 0 schema: 0 sum: 0 "
        "zero_count: 0 zero_threshold: 0 } }");
    v1::HistogramColumns& columns = *message.mutable_frames(0)->mutable_histograms();
    columns.add_bucket_count(count);
    for (uint32_t i = 0; i < count; ++i) {
      columns.add_bucket_index(1);
      columns.add_bucket_value(1);
    }
    store::WriteBatch batch;
    uint64_t samples = 0;
    const auto refusal = Translate(message, kNewestMs, tables_, &batch, &samples);
    EXPECT_EQ(refusal.has_value(), over);
    if (refusal) {
      EXPECT_EQ(refusal->reason, Reason::kHistogram);
    }
  }
}

TEST_F(Translation, TheStalenessMarkerKeepsItsBits) {
  v1::Batch message = BatchOf("sequence: 1 frames { timestamp_unix_ms: 1 double_series: 0 }");
  message.mutable_frames(0)->add_doubles(model::StaleNan());
  v1::Batch received;
  ASSERT_TRUE(received.ParseFromString(message.SerializeAsString()));
  store::WriteBatch batch;
  uint64_t samples = 0;
  ASSERT_FALSE(Translate(received, kNewestMs, tables_, &batch, &samples));
  EXPECT_TRUE(model::IsStaleNan(batch.floats[0].values[0]));
}

}  // namespace
}  // namespace leadline::collector::ingest
