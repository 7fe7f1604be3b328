#include "collector/remote/write/receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "write_fixture.h"

namespace leadline::collector::remote::write {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST_F(ReceiverFixture, KeepsExactlyTheLabelsAndSamples) {
  v1::WriteRequest request;
  v1::TimeSeries& up =
      AddSeries(request, {{"__name__", "up"}, {"instance", "a:1"}, {"job", "x"}, {"none", ""}});
  AddSample(up, kNowMs - 1000, 1);
  AddSample(up, kNowMs, 0.5);
  AddSample(AddSeries(request, {{"__name__", "up"}, {"instance", "b:1"}}), kNowMs, 2);
  EXPECT_EQ(Write(request).status, 204);

  const auto blocks = Select("up");
  ASSERT_THAT(blocks, SizeIs(2));
  for (const store::SeriesBlock& block : blocks) {
    if (block.labels->Get("instance") == "a:1") {
      EXPECT_EQ(block.labels->ToString(), R"({__name__="up", instance="a:1", job="x"})");
      EXPECT_THAT(block.ts_ms, ElementsAre(kNowMs - 1000, kNowMs));
      EXPECT_THAT(block.values, ElementsAre(1, 0.5));
    } else {
      EXPECT_EQ(block.labels->ToString(), R"({__name__="up", instance="b:1"})");
      EXPECT_THAT(block.values, ElementsAre(2));
    }
    EXPECT_EQ(block.entity, Id128{});
    EXPECT_EQ(block.entity_end_ms, model::kOpenEnd);
  }
  EXPECT_EQ(Metric("samples_total"), "3");
}

TEST_F(ReceiverFixture, LooksIntoLabelsOnce) {
  for (int i = 0; i < 3; ++i) {
    v1::WriteRequest request;
    AddSample(AddSeries(request, {{"__name__", "a"}, {"x", "1"}}), kNowMs + i, i);
    AddSample(AddSeries(request, {{"__name__", "b"}, {"x", "1"}}), kNowMs + i, i);
    EXPECT_EQ(Write(request).status, 204);
  }
  EXPECT_EQ(Metric("series_looked_into_total"), "2");
  EXPECT_THAT(Select("a").at(0).values, ElementsAre(0, 1, 2));
  EXPECT_THAT(Select("b").at(0).values, ElementsAre(0, 1, 2));
}

TEST_F(ReceiverFixture, TakesLabelsInAnyOrderAsOneSeries) {
  v1::WriteRequest request;
  AddSample(AddSeries(request, {{"__name__", "a"}, {"x", "1"}, {"y", "2"}}), kNowMs - 1, 1);
  AddSample(AddSeries(request, {{"y", "2"}, {"__name__", "a"}, {"x", "1"}}), kNowMs, 2);
  EXPECT_EQ(Write(request).status, 204);
  const auto blocks = Select("a");
  ASSERT_THAT(blocks, SizeIs(1));
  EXPECT_THAT(blocks[0].values, ElementsAre(1, 2));
}

// As no sender writes it, but the format allows it.
TEST_F(ReceiverFixture, GathersLabelsThatAreInterrupted) {
  v1::WriteRequest first;
  AddSeries(first, {{"__name__", "a"}});
  AddSample(first.mutable_timeseries()->at(0), kNowMs, 1);
  v1::WriteRequest second;
  AddSeries(second, {{"x", "1"}});
  AddSample(second.mutable_timeseries()->at(0), kNowMs + 1, 2);
  // The fields of two messages of one type behind one another are one message.
  const std::string series =
      first.timeseries(0).SerializeAsString() + second.timeseries(0).SerializeAsString();
  std::string message = "\x0a";
  message += static_cast<char>(series.size());
  message += series;
  EXPECT_EQ(WriteAndWait(*receiver_, WriteRequestOf(message)).status, 204);
  const auto blocks = Select("a");
  ASSERT_THAT(blocks, SizeIs(1));
  EXPECT_EQ(blocks[0].labels->ToString(), R"({__name__="a", x="1"})");
  EXPECT_THAT(blocks[0].values, ElementsAre(1, 2));
}

struct BadLabels {
  const char* name;
  Labels labels;
  const char* text;
};

class BadLabelsTest : public ReceiverFixture, public testing::WithParamInterface<BadLabels> {};

TEST_P(BadLabelsTest, AreRejectedAndTheRestIsTaken) {
  v1::WriteRequest request;
  AddSample(AddSeries(request, GetParam().labels), kNowMs, 1);
  AddSample(AddSeries(request, {{"__name__", "good"}}), kNowMs, 2);
  const http::Response response = Write(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr(GetParam().text));
  EXPECT_THAT(response.body, testing::StartsWith("1 samples were not taken: "));
  EXPECT_THAT(Select("good").at(0).values, ElementsAre(2));
  EXPECT_NE(Metric("rejected_samples_total", "labels") + Metric("rejected_samples_total", "limit"),
            "00");
}

INSTANTIATE_TEST_SUITE_P(
    Labels, BadLabelsTest,
    testing::Values(
        BadLabels{"Nameless", {{"a", "b"}}, R"(no metric name for series {a="b"})"},
        BadLabels{"EmptyMetric", {{"__name__", ""}, {"a", "b"}}, "no metric name"},
        BadLabels{"None", {}, "no metric name for series {}"},
        BadLabels{"EmptyName", {{"", "x"}, {"__name__", "m"}}, R"(invalid label name "")"},
        BadLabels{"Twice",
                  {{"__name__", "m"}, {"a", "1"}, {"a", "2"}},
                  R"(label name "a" is not unique for series {__name__="m", a="1", a="2"})"},
        BadLabels{"MetricTwice", {{"__name__", "m"}, {"__name__", "n"}}, "is not unique"},
        BadLabels{"NameNoUtf8", {{"__name__", "m"}, {"\xff", "2"}}, "is not valid UTF-8"},
        BadLabels{"ValueNoUtf8", {{"__name__", "m"}, {"a", "\xc3"}}, R"("a" is not valid UTF-8)"},
        BadLabels{"MetricNoUtf8", {{"__name__", "\xed\xa0\x80"}}, "is not valid UTF-8"},
        BadLabels{"LongValue", {{"__name__", "m"}, {"a", std::string(20'000, 'x')}}, "16384"},
        BadLabels{"LongMetric", {{"__name__", std::string(2'000, 'x')}}, "1024"}),
    [](const auto& test) { return test.param.name; });

constexpr int64_t kHourMs = 3'600'000;

// However long samples are kept.
TEST_F(ReceiverFixture, SaysThatNothingIsKeptOfTheTimeBefore1970) {
  store_options_.retention_ms = 0;
  Open();
  v1::WriteRequest request;
  v1::TimeSeries& series = AddSeries(request, {{"__name__", "a"}});
  for (const int64_t ts_ms : {INT64_MIN, int64_t{-1}, int64_t{0}, kNowMs}) {
    AddSample(series, ts_ms, 1);
  }
  const http::Response response = Write(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            "2 samples were not taken: a at -9223372036854775808 ms is before 1970, of "
            "which nothing is kept\n");
  EXPECT_THAT(Select("a").at(0).ts_ms, ElementsAre(0, kNowMs));
}

TEST_F(ReceiverFixture, RejectsTimesOutOfBounds) {
  v1::WriteRequest request;
  v1::TimeSeries& series = AddSeries(request, {{"__name__", "a"}});
  AddSample(series, kNowMs - 25 * kHourMs, 1);
  AddSample(series, kNowMs - 23 * kHourMs, 2);
  AddSample(series, kNowMs + kHourMs / 12, 3);
  AddSample(series, kNowMs + kHourMs, 4);
  AddSample(series, -1, 5);
  const http::Response response = Write(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body,
              StartsWith("3 samples were not taken: 2 (too_old): a at 1699916400000 ms is older "
                         "than what is kept (retention), which begins at 1699920000000 ms; "
                         "1 (too_new): a at 1700010000000 ms is 3600000 ms ahead of the clock; the "
                         "limit max-ahead is 600000 ms\n"));
  EXPECT_THAT(Select("a").at(0).values, ElementsAre(2, 3));
  EXPECT_EQ(Metric("rejected_samples_total", "too_old"), "2");
  EXPECT_EQ(Metric("rejected_samples_total", "too_new"), "1");
  EXPECT_EQ(Metric("samples_total"), "2");
  EXPECT_EQ(StoreMetric("refused_samples_total", "too_old"), "2");
  EXPECT_EQ(StoreMetric("refused_samples_total", "too_far_ahead"), "1");
}

// What a writer that was away for days has kept comes late.
TEST_F(ReceiverFixture, TakesWhatIsLateUnlessItIsToldOtherwise) {
  v1::WriteRequest request;
  AddSample(AddSeries(request, {{"__name__", "a"}}), kNowMs - 23 * kHourMs, 1);
  EXPECT_EQ(Write(request).status, 204);
  EXPECT_THAT(Select("a").at(0).values, ElementsAre(1));
  store_options_.max_late_ms = kHourMs;
  Open();
  request.mutable_timeseries(0)->mutable_samples(0)->set_timestamp(kNowMs - 2 * kHourMs);
  AddSample(*request.mutable_timeseries(0), kNowMs - kHourMs, 2);
  const http::Response response = Write(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("is 7200000 ms late; the limit max-late is 3600000 ms"));
  EXPECT_THAT(Select("a").at(0).values, ElementsAre(1, 2));
  EXPECT_EQ(Metric("rejected_samples_total", "too_late"), "1");
  EXPECT_EQ(StoreMetric("refused_samples_total", "too_late"), "1");
}

std::string HeaderOf(const http::Response& response, std::string_view name) {
  for (const auto& [header, value] : response.headers) {
    if (header == name) return value;
  }
  return "";
}

TEST_F(ReceiverFixture, OverTheRateOfSamplesAllIsToComeAgain) {
  store_options_.tenant_limits.max_samples_a_second = 10;
  Open();
  v1::WriteRequest request;
  v1::TimeSeries& series = AddSeries(request, {{"__name__", "a"}});
  for (int i = 0; i < 125; ++i) AddSample(series, kNowMs - 1000 + i, i);
  EXPECT_EQ(Write(request).status, 204);  // with room for ten seconds' worth, and a debt
  for (v1::Sample& sample : *series.mutable_samples())
    sample.set_timestamp(sample.timestamp() + 500);
  http::Response response = Write(request);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(HeaderOf(response, "Retry-After"), "3");
  EXPECT_EQ(response.body,
            "125 samples refused (sample_rate): tenant default has written more samples than it "
            "may in a second, its limit max-samples is 10\n");
  EXPECT_THAT(Select("a").at(0).values, SizeIs(125));
  EXPECT_EQ(Metric("failed_requests_total", "rate"), "1");
  EXPECT_EQ(Metric("samples_total"), "125");
  EXPECT_EQ(StoreMetric("refused_samples_total", "sample_rate"), "125");
  clock_.AdvanceMs(3000);
  EXPECT_EQ(Write(request).status, 204);
  EXPECT_THAT(Select("a").at(0).values, SizeIs(250));
}

TEST_F(ReceiverFixture, OverTheRateOfNewSeriesTheRestIsTakenAndAllIsToComeAgain) {
  store_options_.tenant_limits.max_new_series_a_minute = 2;
  Open();
  v1::WriteRequest request;
  for (const char* metric : {"a", "b", "c", "d"}) {
    AddSample(AddSeries(request, {{"__name__", metric}}), kNowMs, 1);
  }
  http::Response response = Write(request);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(HeaderOf(response, "Retry-After"), "60");
  EXPECT_EQ(response.body,
            "2 samples were not taken: c is new; tenant default has begun as many series as it may "
            "in a minute, its limit max-new-series is 2\n");
  EXPECT_THAT(Select("a"), SizeIs(1));
  EXPECT_THAT(Select("c"), IsEmpty());
  EXPECT_EQ(Metric("samples_total"), "2");
  EXPECT_EQ(StoreMetric("refused_series_total", "new_series_rate"), "2");
  EXPECT_EQ(StoreMetric("refused_samples_total", "of_no_series"), "2");
  clock_.AdvanceMs(60'000);
  EXPECT_EQ(Write(request).status, 204);
  for (const char* metric : {"a", "b", "c", "d"}) {
    EXPECT_THAT(Select(metric).at(0).values, ElementsAre(1));
  }
}

// A tenant may have as many for hours: to wait for that would keep out what is known.
TEST_F(ReceiverFixture, OverTheNumberOfSeriesTheRestIsTakenForGood) {
  store_options_.tenant_limits.max_series = 1;
  store_options_.tenant_limits.max_label_value_bytes = 3;
  Open();
  v1::WriteRequest request;
  AddSample(AddSeries(request, {{"__name__", "a"}}), kNowMs, 1);
  AddSample(AddSeries(request, {{"__name__", "long"}, {"x", "1234"}}), kNowMs, 2);
  v1::TimeSeries& many = AddSeries(request, {{"__name__", "b"}});
  AddSample(many, kNowMs - 1, 3);
  AddSample(many, kNowMs, 4);
  const http::Response response = Write(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(HeaderOf(response, "Retry-After"), "");
  EXPECT_EQ(response.body,
            "3 samples were not taken: b is new; tenant default has 1 series, its limit max-series "
            "is 1; the value of label x of long{x=\"1234\"} has 4 bytes; the limit "
            "max-label-value-length of tenant default is 3\n");
  EXPECT_THAT(Select("a").at(0).values, ElementsAre(1));
  EXPECT_EQ(Metric("rejected_samples_total", "limit"), "3");
  EXPECT_EQ(Metric("samples_total"), "1");
}

TEST_F(ReceiverFixture, RefusesWhatIsNoRequest) {
  v1::WriteRequest request;
  AddSample(AddSeries(request, {{"__name__", "a"}}), kNowMs, 1);
  const std::string message = request.SerializeAsString();

  http::Request not_packed = WriteRequestOf(message);
  not_packed.body = message;
  http::Response response = WriteAndWait(*receiver_, not_packed);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "snappy: corrupt input\n");

  response = WriteAndWait(*receiver_, WriteRequestOf(message.substr(0, message.size() - 1)));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "proto: malformed WriteRequest\n");

  http::Request huge = WriteRequestOf("");
  huge.body = "\xff\xff\xff\xff\x0f";
  EXPECT_EQ(WriteAndWait(*receiver_, huge).status, 413);

  http::Request zstd = WriteRequestOf(message);
  zstd.headers[1].second = "zstd";
  response = WriteAndWait(*receiver_, zstd);
  EXPECT_EQ(response.status, 415);
  EXPECT_THAT(response.body, HasSubstr("zstd"));

  http::Request json = WriteRequestOf(message);
  json.headers[0].second = "application/json";
  EXPECT_EQ(WriteAndWait(*receiver_, json).status, 415);
  json.headers[0].second = "application/x-protobuf; proto=io.prometheus.write.v3.Request";
  EXPECT_EQ(WriteAndWait(*receiver_, json).status, 415);
  EXPECT_THAT(Select("a"), IsEmpty());

  http::Request named = WriteRequestOf(message);
  named.headers[0].second = "application/x-protobuf;proto=prometheus.WriteRequest";
  EXPECT_EQ(WriteAndWait(*receiver_, named).status, 204);
  named.headers[0].second = "Application/X-Protobuf; Proto=\"prometheus.WriteRequest\"";
  named.headers[1].second = "Snappy";
  EXPECT_EQ(WriteAndWait(*receiver_, named).status, 204);
  http::Request bare = WriteRequestOf(message);
  bare.headers.clear();
  EXPECT_EQ(WriteAndWait(*receiver_, bare).status, 204);
  EXPECT_EQ(WriteAndWait(*receiver_, WriteRequestOf("")).status, 204);
  EXPECT_EQ(Metric("failed_requests_total", "media_type"), "3");
  EXPECT_EQ(Metric("failed_requests_total", "malformed"), "2");
}

// A malformed label is found when the series is looked into; nothing of the request is taken then.
TEST_F(ReceiverFixture, TakesNothingOfARequestWithAMalformedLabel) {
  v1::WriteRequest request;
  AddSample(AddSeries(request, {{"__name__", "a"}}), kNowMs, 1);
  // A series of a label that is cut off, and a sample.
  const std::string message = request.SerializeAsString() +
                              std::string("\x0a\x0f\x0a\x02\x0a\x05\x12\x09\x09", 9) +
                              std::string(8, '\0');
  const http::Response response = WriteAndWait(*receiver_, WriteRequestOf(message));
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("proto: malformed Label"));
  EXPECT_THAT(Select("a"), IsEmpty());
}

TEST_F(ReceiverFixture, TakesTheKnownWhereTheNewAreOverALimit) {
  store_options_.max_definition_bytes = 1;
  v1::WriteRequest known;
  AddSample(AddSeries(known, {{"__name__", "known"}}), kNowMs - 1, 1);
  EXPECT_EQ(Write(known).status, 204);
  Open();
  v1::WriteRequest both = known;
  both.mutable_timeseries(0)->mutable_samples(0)->set_timestamp(kNowMs);
  AddSample(AddSeries(both, {{"__name__", "unknown"}}), kNowMs, 1);
  const http::Response response = Write(both);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("1 samples were not taken: 1 new series are refused"));
  EXPECT_THAT(Select("known").at(0).values, ElementsAre(1, 1));
  EXPECT_EQ(Metric("rejected_samples_total", "limit"), "1");
}

TEST_F(ReceiverFixture, KeepsWhatMetricsAre) {
  v1::WriteRequest request;
  AddSample(AddSeries(request, {{"__name__", "a"}}), kNowMs, 1);
  request.add_metadata()->set_metric_family_name("a");
  request.mutable_metadata(0)->set_type(2);
  AddSeries(request, {{"no_name_and", "no_samples"}});
  EXPECT_EQ(Write(request).status, 204);
  EXPECT_EQ(metadata_.Get("default", "a").at("a").type, "gauge");
}

v1::Histogram& AddHistogram(v1::TimeSeries& series, int64_t ts_ms) {
  v1::Histogram& histogram = *series.add_histograms();
  histogram.set_timestamp(ts_ms);
  histogram.set_schema(3);
  histogram.set_zero_threshold(0.001);
  histogram.set_sum(12.5);
  for (const auto& [offset, length] : {std::pair(-2, 2), std::pair(3, 1)}) {
    v1::BucketSpan& span = *histogram.add_positive_spans();
    span.set_offset(offset);
    span.set_length(static_cast<uint32_t>(length));
  }
  histogram.add_negative_spans()->set_length(1);
  return histogram;
}

TEST_F(ReceiverFixture, KeepsNativeHistogramsOfWholeAndOfFloatCounts) {
  v1::WriteRequest request;
  v1::TimeSeries& series = AddSeries(request, {{"__name__", "h"}});
  v1::Histogram& whole = AddHistogram(series, kNowMs - 1);
  whole.set_count_int(12);
  whole.set_zero_count_int(1);
  for (const int64_t delta : {3, -3, 5}) whole.add_positive_deltas(delta);
  whole.add_negative_deltas(3);
  v1::Histogram& floats = AddHistogram(series, kNowMs);
  floats.set_count_float(12.5);
  floats.set_zero_count_float(1.25);
  for (const double count : {3.5, -0.0, 5.0}) floats.add_positive_counts(count);
  floats.add_negative_counts(1e-300);
  // As Prometheus takes them: what is not a number, and a count that is not that of the buckets.
  v1::Histogram& odd = AddHistogram(series, kNowMs - 2);
  odd.set_count_float(-1);
  for (const double count : {HUGE_VAL, std::nan(""), 5.0}) odd.add_positive_counts(count);
  odd.add_negative_counts(3);
  EXPECT_EQ(Write(request).status, 204);

  const auto blocks = Select("h");
  ASSERT_THAT(blocks, SizeIs(1));
  EXPECT_THAT(blocks[0].histogram_ts_ms, ElementsAre(kNowMs - 2, kNowMs - 1, kNowMs));
  const model::NativeHistogram expected = {.schema = 3,
                                           .zero_threshold = 0.001,
                                           .zero_count = 1,
                                           .count = 12,
                                           .sum = 12.5,
                                           .positive = {{-2, 3}, {3, 5}},
                                           .negative = {{0, 3}}};
  model::NativeHistogram fractions = expected;
  fractions.float_counts = true;
  fractions.zero_count = model::FloatCount(1.25);
  fractions.count = model::FloatCount(12.5);
  fractions.positive = {{-2, model::FloatCount(3.5)}, {3, model::FloatCount(5)}};
  fractions.negative = {{0, model::FloatCount(1e-300)}};
  model::NativeHistogram strange = fractions;
  strange.zero_count = 0;
  strange.count = model::FloatCount(-1);
  strange.positive = {{-2, model::FloatCount(HUGE_VAL)},
                      {-1, model::FloatCount(std::nan(""))},
                      {3, model::FloatCount(5)}};
  strange.negative = {{0, model::FloatCount(3)}};
  EXPECT_THAT(blocks[0].histograms, ElementsAre(strange, expected, fractions));
  EXPECT_EQ(Metric("histograms_total"), "3");
}

TEST_F(ReceiverFixture, JoinsBucketsOfSchemasThatAreTooFine) {
  v1::WriteRequest request;
  v1::TimeSeries& series = AddSeries(request, {{"__name__", "h"}});
  v1::Histogram& whole = AddHistogram(series, kNowMs - 2);
  whole.set_schema(10);
  whole.set_count_int(13);
  for (const int64_t delta : {3, -2, 5}) whole.add_positive_deltas(delta);
  whole.add_negative_deltas(3);
  v1::Histogram& floats = AddHistogram(series, kNowMs - 1);
  floats.set_schema(10);
  floats.set_count_float(13.25);
  for (const double count : {3.25, 1.0, 6.0}) floats.add_positive_counts(count);
  floats.add_negative_counts(3);
  v1::Histogram& finest = AddHistogram(series, kNowMs);
  finest.set_schema(52);
  finest.set_count_int(13);
  for (const int64_t delta : {3, -2, 5}) finest.add_positive_deltas(delta);
  finest.add_negative_deltas(3);
  EXPECT_EQ(Write(request).status, 204);

  // Of schema 10 the buckets -3 to 0 are 0 in schema 8, 1 to 4 are 1.
  const model::NativeHistogram expected = {.schema = 8,
                                           .zero_threshold = 0.001,
                                           .count = 13,
                                           .sum = 12.5,
                                           .positive = {{0, 4}, {1, 6}},
                                           .negative = {{0, 3}}};
  model::NativeHistogram fractions = expected;
  fractions.float_counts = true;
  fractions.count = model::FloatCount(13.25);
  fractions.positive = {{0, model::FloatCount(4.25)}, {1, model::FloatCount(6)}};
  fractions.negative = {{0, model::FloatCount(3)}};
  const auto blocks = Select("h");
  ASSERT_THAT(blocks, SizeIs(1));
  EXPECT_THAT(blocks[0].histograms, ElementsAre(expected, fractions, expected));
}

TEST_F(ReceiverFixture, SaysHowManyOfEachReasonAndTheFirstOfEach) {
  v1::WriteRequest request;
  for (int i = 0; i < 20; ++i) {
    AddSample(AddSeries(request, {{"nameless", std::to_string(i)}}), kNowMs, 1);
  }
  AddSample(AddSeries(request, {{"__name__", "ahead"}}), kNowMs + 3'600'000, 1);
  AddHistogram(AddSeries(request, {{"__name__", "h"}, {"x", "y"}}), kNowMs).set_schema(53);
  AddSample(AddSeries(request, {{"__name__", "good"}}), kNowMs, 1);
  const http::Response response = Write(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body,
              StartsWith("22 samples were not taken: 20 (labels): no metric name for "
                         "series {nameless=\"0\"}; 1 (too_new): ahead at "));
  EXPECT_THAT(response.body, HasSubstr("; 1 (histogram): histogram has schema 53"));
  EXPECT_THAT(response.body, testing::EndsWith(" for series {__name__=\"h\", x=\"y\"}\n"));
  EXPECT_THAT(Select("good"), SizeIs(1));
}

struct BadHistogram {
  const char* name;
  void (*spoil)(v1::Histogram&);
  const char* text;
};

class BadHistogramTest : public ReceiverFixture,
                         public testing::WithParamInterface<BadHistogram> {};

TEST_P(BadHistogramTest, IsRejected) {
  v1::WriteRequest request;
  v1::Histogram& histogram = AddHistogram(AddSeries(request, {{"__name__", "h"}}), kNowMs);
  histogram.set_count_int(11);
  for (const int64_t delta : {3, -3, 5}) histogram.add_positive_deltas(delta);
  histogram.add_negative_deltas(3);
  GetParam().spoil(histogram);
  const http::Response response = Write(request);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr(GetParam().text));
  EXPECT_EQ(Metric("rejected_samples_total", "histogram"), "1");
  EXPECT_THAT(Select("h"), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Histograms, BadHistogramTest,
    testing::Values(
        BadHistogram{"Schema", [](auto& h) { h.set_schema(53); }, "schema 53"},
        BadHistogram{"Count", [](auto& h) { h.set_count_int(12); },
                     "11 observations found in buckets, but the Count field is 12"},
        BadHistogram{"Negative", [](auto& h) { h.set_positive_deltas(1, -4); }, "below 0"},
        BadHistogram{"FewBuckets", [](auto& h) { h.add_positive_deltas(0); },
                     "positive side: spans need 3 buckets, have 4 buckets"},
        BadHistogram{"ManyBuckets", [](auto& h) { h.clear_negative_deltas(); },
                     "negative side: spans need 1 buckets, have 0 buckets"},
        BadHistogram{"Offset", [](auto& h) { h.mutable_positive_spans(1)->set_offset(-1); },
                     "span number 2 with offset -1"},
        BadHistogram{"Index", [](auto& h) { h.mutable_positive_spans(0)->set_offset(INT32_MAX); },
                     "out of range"},
        BadHistogram{"Threshold", [](auto& h) { h.set_zero_threshold(-1); }, "zero threshold"},
        BadHistogram{"FloatsThatAreDifferences", [](auto& h) { h.set_count_float(11.5); },
                     "positive side: spans need 3 buckets, have 0 buckets"},
        BadHistogram{"NegativeFloat",
                     [](auto& h) {
                       h.set_count_float(11.5);
                       for (const double count : {1.0, -0.5, 1.0}) h.add_positive_counts(count);
                     },
                     "positive bucket number 2 has an observation count of -0.5"}),
    [](const auto& test) { return test.param.name; });

// --- When the store does not take it ---

class RefusingStore final : public store::Appendable {
 public:
  absl::Status refusal;
  int resolved = 0;

  absl::Status admission;

  absl::StatusOr<std::vector<store::SeriesHandle>> ResolveEach(
      std::string_view, absl::Span<const model::SeriesDefinition> series,
      store::Refusals&) override {
    resolved += static_cast<int>(series.size());
    return std::vector<store::SeriesHandle>(series.size(), 7);
  }
  absl::Status Admit(std::string_view, store::Source source, store::WriteBatch&,
                     store::Refusals&) override {
    EXPECT_EQ(source, store::Source::kOther);
    return admission;
  }
  store::TimeRange AdmittedTimes(store::Source) const override {
    return {.oldest_ms = INT64_MIN, .newest_ms = INT64_MAX};
  }
  void Append(std::string_view, store::WriteBatch, Durable durable) override { durable(refusal); }
  uint64_t LastSequence(std::string_view, const store::WriterId&) const override { return 0; }
};

TEST(Receiver, SaysWhatMayComeAgain) {
  RefusingStore store;
  prometheus::Registry registry;
  Receiver receiver({.store = &store, .registry = &registry});
  v1::WriteRequest message;
  AddSample(AddSeries(message, {{"__name__", "a"}}), kNowMs, 1);
  const http::Request request = WriteRequestOf(message.SerializeAsString());

  store.refusal = absl::ResourceExhaustedError("the disk is full");
  http::Response response = WriteAndWait(receiver, request);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "the disk is full\n");
  store.refusal = absl::InternalError("x");
  EXPECT_EQ(WriteAndWait(receiver, request).status, 503);
  store.refusal = absl::InvalidArgumentError("too much");
  EXPECT_EQ(WriteAndWait(receiver, request).status, 400);
  EXPECT_EQ(store.resolved, 1);
  // The handle is not known any more: the next try has a new one.
  store.refusal = absl::UnavailableError("forgotten");
  EXPECT_EQ(WriteAndWait(receiver, request).status, 503);
  store.refusal = absl::OkStatus();
  EXPECT_EQ(WriteAndWait(receiver, request).status, 204);
  EXPECT_EQ(store.resolved, 2);
}

}  // namespace
}  // namespace leadline::collector::remote::write
