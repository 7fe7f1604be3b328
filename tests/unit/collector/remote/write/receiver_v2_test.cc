// Remote write 2.0: symbols, metadata, where counters begin, and what the answer says was written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/remote/write/limits.h"
#include "collector/remote/write/receiver.h"
#include "prometheus/write_v2.pb.h"
#include "write_fixture.h"

namespace leadline::collector::remote::write {
namespace {

namespace pb = leadline::test::v2;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class ReceiverV2Test : public ReceiverFixture {
 protected:
  ReceiverV2Test() { request_.add_symbols(""); }

  uint32_t Symbol(const std::string& text) {
    for (int i = 0; i < request_.symbols_size(); ++i) {
      if (request_.symbols(i) == text) return static_cast<uint32_t>(i);
    }
    request_.add_symbols(text);
    return static_cast<uint32_t>(request_.symbols_size()) - 1;
  }

  pb::TimeSeries& Add(const Labels& labels) {
    pb::TimeSeries& series = *request_.add_timeseries();
    for (const auto& [name, value] : labels) {
      series.add_labels_refs(Symbol(name));
      series.add_labels_refs(Symbol(value));
    }
    return series;
  }

  static void AddSample(pb::TimeSeries& series, int64_t ts_ms, double value) {
    pb::Sample& sample = *series.add_samples();
    sample.set_timestamp(ts_ms);
    sample.set_value(value);
  }

  // Sends what was added.
  http::Response Send() {
    http::Request http = WriteRequestOf(request_.SerializeAsString());
    http.headers[0].second = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    request_.Clear();
    request_.add_symbols("");
    return WriteAndWait(*receiver_, http);
  }

  static std::string Written(const http::Response& response) {
    std::string text;
    for (const char* what : {"Samples", "Histograms", "Exemplars"}) {
      for (const auto& [name, value] : response.headers) {
        if (name == std::string("X-Prometheus-Remote-Write-") + what + "-Written") {
          text += value + " ";
        }
      }
    }
    return text;
  }

  pb::Request request_;
};

TEST_F(ReceiverV2Test, TakesSeriesBySymbols) {
  for (int i = 0; i < 3; ++i) {
    // The symbols have other numbers each time.
    for (int j = 0; j < i; ++j) Symbol("unused" + std::to_string(j));
    AddSample(Add({{"__name__", "a"}, {"x", "y"}}), kNowMs + i, i);
    pb::TimeSeries& b = Add({{"__name__", "a"}, {"y", "x"}});
    AddSample(b, kNowMs + i, 10 + i);
    b.add_exemplars()->set_value(1);
    const http::Response response = Send();
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(Written(response), "2 0 1 ");
  }
  const auto blocks = Select("a");
  ASSERT_THAT(blocks, SizeIs(2));
  for (const store::SeriesBlock& block : blocks) {
    if (block.labels->Get("x") == "y") {
      EXPECT_THAT(block.values, ElementsAre(0, 1, 2));
    } else {
      EXPECT_EQ(block.labels->ToString(), R"({__name__="a", y="x"})");
      EXPECT_THAT(block.values, ElementsAre(10, 11, 12));
    }
  }
  EXPECT_EQ(Metric("series_looked_into_total"), "2");
}

TEST_F(ReceiverV2Test, IsTheSameSeriesAsInVersion1) {
  AddSample(Add({{"__name__", "a"}, {"x", "y"}}), kNowMs, 1);
  EXPECT_EQ(Send().status, 204);
  v1::WriteRequest one;
  write::AddSample(AddSeries(one, {{"__name__", "a"}, {"x", "y"}}), kNowMs + 1, 2);
  EXPECT_EQ(Write(one).status, 204);
  const auto blocks = Select("a");
  ASSERT_THAT(blocks, SizeIs(1));
  EXPECT_THAT(blocks[0].values, ElementsAre(1, 2));
}

TEST_F(ReceiverV2Test, CountsWhatWasWrittenOfARequestThatIsNotWhole) {
  AddSample(Add({{"x", "y"}}), kNowMs, 1);
  AddSample(Add({{"__name__", "a"}}), kNowMs, 1);
  const http::Response response = Send();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(Written(response), "1 0 0 ");
  EXPECT_THAT(response.body, HasSubstr("no metric name"));
}

TEST_F(ReceiverV2Test, TakesTheRestWhereASeriesHasTooManyLabels) {
  constexpr int kMost = kMaxLabels;
  for (const int labels : {kMost, kMost + 1, kMost + 10}) {
    pb::TimeSeries& many = Add({{"__name__", "many"}});
    for (int i = 1; i < labels; ++i) {
      many.add_labels_refs(Symbol("label" + std::to_string(i)));
      many.add_labels_refs(Symbol("x"));
    }
    AddSample(many, kNowMs + labels, labels);
    AddSample(Add({{"__name__", "rest"}}), kNowMs + labels, labels);
    const http::Response response = Send();
    if (labels == kMost) {
      EXPECT_EQ(response.status, 204) << response.body;
      EXPECT_EQ(Written(response), "2 0 0 ");
    } else {
      EXPECT_EQ(response.status, 400);
      EXPECT_EQ(Written(response), "1 0 0 ");
      EXPECT_THAT(response.body, HasSubstr("513 labels, at most 512 are taken"));
    }
  }
  EXPECT_THAT(Select("many").at(0).values, ElementsAre(kMost));
  EXPECT_THAT(Select("rest").at(0).values, SizeIs(3));
}

// Neither has a field of the other: nothing would be taken, and the writer would not know.
TEST_F(ReceiverV2Test, TellsAMessageOfTheOtherVersion) {
  AddSample(Add({{"__name__", "a"}}), kNowMs, 1);
  http::Response response = WriteAndWait(*receiver_, WriteRequestOf(request_.SerializeAsString()));
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("it is a message of version 2.0"));
  v1::WriteRequest one;
  write::AddSample(AddSeries(one, {{"__name__", "a"}}), kNowMs, 1);
  http::Request http = WriteRequestOf(one.SerializeAsString());
  http.headers[0].second = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
  response = WriteAndWait(*receiver_, http);
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("it is a message of version 1.0"));
  EXPECT_THAT(Select("a"), IsEmpty());
}

TEST_F(ReceiverV2Test, RefusesSymbolsThatAreNotThere) {
  AddSample(Add({{"__name__", "a"}}), kNowMs, 1);
  pb::TimeSeries& series = Add({{"__name__", "b"}});
  series.add_labels_refs(1000);
  series.add_labels_refs(1);
  AddSample(series, kNowMs, 1);
  http::Response response = Send();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(Written(response), "0 0 0 ");
  EXPECT_EQ(response.body, "proto: malformed labels: no symbol 1000 among 4\n");
  EXPECT_THAT(Select("a"), IsEmpty());

  pb::TimeSeries& odd = Add({{"__name__", "b"}});
  odd.add_labels_refs(Symbol("alone"));
  AddSample(odd, kNowMs, 1);
  response = Send();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "proto: malformed labels: a name without a value\n");

  request_.set_symbols(0, "not empty");
  response = Send();
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("the first symbol is not the empty one"));
}

TEST_F(ReceiverV2Test, KeepsWhatMetricsAre) {
  pb::TimeSeries& counter = Add({{"__name__", "a_total"}});
  AddSample(counter, kNowMs, 1);
  counter.mutable_metadata()->set_type(1);
  counter.mutable_metadata()->set_help_ref(Symbol("How many."));
  pb::TimeSeries& bucket = Add({{"__name__", "h_seconds_bucket"}, {"le", "1"}});
  AddSample(bucket, kNowMs, 1);
  bucket.mutable_metadata()->set_type(3);
  bucket.mutable_metadata()->set_unit_ref(Symbol("seconds"));
  AddSample(Add({{"__name__", "unknown"}}), kNowMs, 1);
  EXPECT_EQ(Send().status, 204);
  EXPECT_THAT(
      metadata_.Get("default", ""),
      ElementsAre(
          Pair("a_total", model::MetricMetadata::Entry{.type = "counter", .help = "How many."}),
          Pair("h_seconds", model::MetricMetadata::Entry{.type = "histogram", .unit = "seconds"})));
}

struct Begin {
  const char* name;
  const char* metric;
  int type;
  int64_t before_ms;
  bool by_sample;
  bool has_zero;
};

class BeginTest : public ReceiverV2Test, public testing::WithParamInterface<Begin> {};

TEST_P(BeginTest, HasAZeroWhereACounterBegan) {
  for (int i = 0; i < 2; ++i) {
    pb::TimeSeries& series = Add({{"__name__", GetParam().metric}});
    AddSample(series, kNowMs + i, 5 + i);
    series.mutable_metadata()->set_type(GetParam().type);
    if (GetParam().by_sample) {
      series.mutable_samples(0)->set_start_timestamp(kNowMs - GetParam().before_ms);
    } else {
      series.set_created_timestamp(kNowMs - GetParam().before_ms);
    }
    const http::Response response = Send();
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(Written(response), "1 0 0 ");
  }
  const store::SeriesBlock block = Select(GetParam().metric).at(0);
  if (GetParam().has_zero) {
    EXPECT_THAT(block.ts_ms, ElementsAre(kNowMs - GetParam().before_ms, kNowMs, kNowMs + 1));
    EXPECT_THAT(block.values, ElementsAre(0, 5, 6));
  } else {
    EXPECT_THAT(block.ts_ms, ElementsAre(kNowMs, kNowMs + 1));
  }
}

INSTANTIATE_TEST_SUITE_P(Series, BeginTest,
                         testing::Values(Begin{"Counter", "a_total", 1, 10'000, false, true},
                                         Begin{"BySample", "a_total", 1, 10'000, true, true},
                                         Begin{"HistogramPart", "h_bucket", 3, 10'000, false, true},
                                         Begin{"SummaryCount", "s_count", 5, 10'000, false, true},
                                         Begin{"SummaryQuantile", "s", 5, 10'000, false, false},
                                         Begin{"Gauge", "g", 2, 10'000, false, false},
                                         Begin{"Unknown", "u", 0, 10'000, false, false},
                                         Begin{"LongAgo", "a_total", 1, 301'000, false, false},
                                         Begin{"InTheFuture", "a_total", 1, -1, false, false}),
                         [](const auto& test) { return test.param.name; });

struct Move {
  const char* name;
  int64_t
      start_ms;  // of the second sample, from kNowMs on; the first is there, from 10 s before on
  bool has_zero;
};

class MovedStartTest : public ReceiverV2Test, public testing::WithParamInterface<Move> {
 protected:
  static constexpr int64_t kFirstStartMs = kNowMs - 10'000;
  static constexpr int64_t kSecondMs = kNowMs + 60'000;
  static int64_t StartMs() { return kNowMs + GetParam().start_ms; }
};

TEST_P(MovedStartTest, IsAResetOfACounter) {
  for (int i = 0; i < 2; ++i) {
    pb::TimeSeries& counter = Add({{"__name__", "a_total"}});
    counter.mutable_metadata()->set_type(1);
    AddSample(counter, i == 0 ? kNowMs : kSecondMs, 5 + i);
    counter.mutable_samples(0)->set_start_timestamp(i == 0 ? kFirstStartMs : StartMs());
    pb::TimeSeries& gauge = Add({{"__name__", "g"}});
    gauge.mutable_metadata()->set_type(2);
    AddSample(gauge, i == 0 ? kNowMs : kSecondMs, 5 + i);
    gauge.mutable_samples(0)->set_start_timestamp(i == 0 ? kFirstStartMs : StartMs());
    const http::Response response = Send();
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(Written(response), "2 0 0 ");
  }
  const store::SeriesBlock block = Select("a_total").at(0);
  if (GetParam().has_zero) {
    EXPECT_THAT(block.ts_ms, ElementsAre(kFirstStartMs, kNowMs, StartMs(), kSecondMs));
    EXPECT_THAT(block.values, ElementsAre(0, 5, 0, 6));
    EXPECT_EQ(Metric("created_zeros_total"), "2");
  } else {
    EXPECT_THAT(block.ts_ms, ElementsAre(kFirstStartMs, kNowMs, kSecondMs));
  }
  EXPECT_THAT(Select("g").at(0).values, ElementsAre(5, 6));
}

INSTANTIATE_TEST_SUITE_P(
    Series, MovedStartTest,
    testing::Values(Move{"BehindTheSampleBefore", 1, true}, Move{"BeforeItsSample", 59'999, true},
                    Move{"AtTheSampleBefore", 0, false},
                    Move{"BeforeTheSampleBefore", -5'000, false}, Move{"Back", -20'000, false},
                    Move{"NotAtAll", -10'000, false}, Move{"AtItsSample", 60'000, false},
                    Move{"BehindItsSample", 60'001, false}),
    [](const auto& test) { return test.param.name; });

TEST_F(ReceiverV2Test, FindsStartsThatMoveWithinARequest) {
  pb::TimeSeries& series = Add({{"__name__", "a_total"}});
  series.mutable_metadata()->set_type(1);
  for (const auto& [ts_ms, start_ms] : {std::pair{0, -5}, std::pair{10, -5}, std::pair{20, 12},
                                        std::pair{30, 12}, std::pair{40, 31}}) {
    AddSample(series, kNowMs + ts_ms, 7);
    series.mutable_samples()->rbegin()->set_start_timestamp(kNowMs + start_ms);
  }
  EXPECT_EQ(Written(Send()), "5 0 0 ");
  const store::SeriesBlock block = Select("a_total").at(0);
  EXPECT_THAT(block.values, ElementsAre(0, 7, 7, 0, 7, 7, 0, 7));
  EXPECT_THAT(block.ts_ms, ElementsAre(kNowMs - 5, kNowMs, kNowMs + 10, kNowMs + 12, kNowMs + 20,
                                       kNowMs + 30, kNowMs + 31, kNowMs + 40));
}

TEST_F(ReceiverV2Test, HistogramsBeginAtTheirStartToo) {
  const auto send = [&](int64_t ts_ms, int64_t start_ms, int hint) {
    pb::TimeSeries& series = Add({{"__name__", hint == 3 ? "gauge" : "h"}});
    series.mutable_metadata()->set_type(3);
    pb::Histogram& histogram = *series.add_histograms();
    histogram.set_timestamp(kNowMs + ts_ms);
    histogram.set_start_timestamp(kNowMs + start_ms);
    histogram.set_reset_hint(hint);
    histogram.set_schema(2);
    histogram.set_zero_threshold(0.5);
    histogram.set_count_int(4);
    histogram.set_sum(7);
    histogram.add_positive_spans()->set_length(1);
    histogram.add_positive_deltas(4);
    EXPECT_EQ(Written(Send()), "0 1 0 ");
  };
  for (const int hint : {0, 3}) {
    send(0, -10, hint);
    send(20, -10, hint);
    send(40, 30, hint);
  }
  const store::SeriesBlock block = Select("h").at(0);
  EXPECT_THAT(block.histogram_ts_ms,
              ElementsAre(kNowMs - 10, kNowMs, kNowMs + 20, kNowMs + 30, kNowMs + 40));
  const model::NativeHistogram empty{.schema = 2, .zero_threshold = 0.5};
  EXPECT_EQ(block.histograms[0], empty);
  EXPECT_EQ(block.histograms[3], empty);
  EXPECT_THAT(Select("gauge").at(0).histogram_ts_ms, SizeIs(3));
}

TEST_F(ReceiverV2Test, TakesHistogramsWithCustomBucketsAndHints) {
  pb::Histogram& histogram = *Add({{"__name__", "h"}}).add_histograms();
  histogram.set_timestamp(kNowMs);
  histogram.set_schema(-53);
  histogram.set_sum(7);
  histogram.set_count_int(6);
  histogram.set_reset_hint(3);
  for (const double bound : {0.5, 1.0, 2.5}) histogram.add_custom_values(bound);
  pb::BucketSpan& span = *histogram.add_positive_spans();
  span.set_offset(1);
  span.set_length(3);
  for (const int64_t delta : {1, 1, 1}) histogram.add_positive_deltas(delta);
  const http::Response response = Send();
  EXPECT_EQ(response.status, 204) << response.body;
  EXPECT_EQ(Written(response), "0 1 0 ");
  EXPECT_THAT(Select("h").at(0).histograms,
              ElementsAre(model::NativeHistogram{.schema = model::kCustomBuckets,
                                                 .reset_hint = model::ResetHint::kGauge,
                                                 .count = 6,
                                                 .sum = 7,
                                                 .positive = {{1, 1}, {2, 2}, {3, 3}},
                                                 .custom_bounds = {0.5, 1, 2.5}}));
}

TEST_F(ReceiverV2Test, TakesHistogramsOfFloatCounts) {
  pb::Histogram& histogram = *Add({{"__name__", "h"}}).add_histograms();
  histogram.set_timestamp(kNowMs);
  histogram.set_schema(-53);
  histogram.set_sum(7);
  histogram.set_count_float(1.5);
  histogram.set_reset_hint(3);
  for (const double bound : {0.5, 1.0}) histogram.add_custom_values(bound);
  histogram.add_positive_spans()->set_length(3);
  for (const double count : {0.25, 0.0, 1.25}) histogram.add_positive_counts(count);
  const http::Response response = Send();
  EXPECT_EQ(response.status, 204) << response.body;
  EXPECT_EQ(Written(response), "0 1 0 ");
  EXPECT_THAT(Select("h").at(0).histograms,
              ElementsAre(model::NativeHistogram{
                  .schema = model::kCustomBuckets,
                  .reset_hint = model::ResetHint::kGauge,
                  .float_counts = true,
                  .count = model::FloatCount(1.5),
                  .sum = 7,
                  .positive = {{0, model::FloatCount(0.25)}, {2, model::FloatCount(1.25)}},
                  .custom_bounds = {0.5, 1}}));
}

struct BadCustom {
  const char* name;
  void (*spoil)(pb::Histogram&);
  const char* text;
};

class BadCustomTest : public ReceiverV2Test, public testing::WithParamInterface<BadCustom> {};

TEST_P(BadCustomTest, IsRejected) {
  pb::Histogram& histogram = *Add({{"__name__", "h"}}).add_histograms();
  histogram.set_timestamp(kNowMs);
  histogram.set_schema(-53);
  histogram.set_count_int(1);
  for (const double bound : {0.5, 1.0}) histogram.add_custom_values(bound);
  histogram.add_positive_spans()->set_length(1);
  histogram.add_positive_deltas(1);
  GetParam().spoil(histogram);
  const http::Response response = Send();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(Written(response), "0 0 0 ");
  EXPECT_THAT(response.body, HasSubstr(GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    Histograms, BadCustomTest,
    testing::Values(
        BadCustom{"Order", [](auto& h) { h.add_custom_values(1); }, "bound 1 is not above 1"},
        BadCustom{"Infinite", [](auto& h) { h.add_custom_values(INFINITY); }, "finite"},
        BadCustom{"Index", [](auto& h) { h.mutable_positive_spans(0)->set_offset(3); },
                  "no bucket 3 with 2 bounds"},
        BadCustom{"ZeroBucket", [](auto& h) { h.set_zero_threshold(1); }, "zero bucket"},
        BadCustom{"Exponential", [](auto& h) { h.set_schema(0); }, "custom bounds"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace leadline::collector::remote::write
