// Exemplars that others write: what is kept of them, and that nothing else is refused for them.
#include "collector/remote/write/exemplars.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prometheus/write_v2.pb.h"
#include "stored_exemplars.h"
#include "write_fixture.h"

namespace leadline::collector::remote::write {
namespace {

namespace v2 = leadline::test::v2;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const LabelSet kA({{"__name__", "a"}, {"x", "1"}});

class ExemplarsTest : public ReceiverFixture {
 protected:
  static v1::Exemplar& AddExemplar(v1::TimeSeries& series, int64_t ts_ms, double value,
                                   const Labels& labels = {}) {
    v1::Exemplar& exemplar = *series.add_exemplars();
    exemplar.set_timestamp(ts_ms);
    exemplar.set_value(value);
    for (const auto& [name, text] : labels) {
      v1::Label& label = *exemplar.add_labels();
      label.set_name(name);
      label.set_value(text);
    }
    return exemplar;
  }

  // A series with a sample now.
  static v1::TimeSeries& AddA(v1::WriteRequest& request) {
    v1::TimeSeries& series = AddSeries(request, {{"__name__", "a"}, {"x", "1"}});
    AddSample(series, kNowMs, 1);
    return series;
  }

  std::vector<std::string> Stored(const LabelSet& series = {}) {
    return StoredExemplars(store_->queryable(), kNowMs, series);
  }

  std::string Dropped(const std::string& reason) {
    return Metric("exemplars_dropped_total", reason);
  }
};

TEST_F(ExemplarsTest, AreKeptWithTheirSeries) {
  v1::WriteRequest request;
  v1::TimeSeries& a = AddA(request);
  AddExemplar(a, kNowMs - 5, 0.5, {{"trace_id", "t1"}, {"span_id", "s1"}, {"none", ""}});
  AddExemplar(a, kNowMs - 3, 2);
  v1::TimeSeries& b = AddSeries(request, {{"__name__", "b"}});
  AddSample(b, kNowMs, 1);
  AddExemplar(b, kNowMs, 3, {{"größe", "🌍"}});
  EXPECT_EQ(Write(request).status, 204);
  const auto expect = [&] {
    EXPECT_THAT(Stored(kA), ElementsAre(R"(0.5@-5 {span_id="s1", trace_id="t1"})", "2@-3 {}"));
    EXPECT_THAT(Stored(LabelSet({{"__name__", "b"}})), ElementsAre(R"(3@0 {"größe"="🌍"})"));
    EXPECT_THAT(Stored(LabelSet({{"__name__", "c"}})), IsEmpty());
  };
  expect();
  EXPECT_EQ(Metric("exemplars_total"), "3");
  Open();  // from the log
  expect();
  ASSERT_TRUE(store_->Flush().ok());
  expect();
  Open();  // from windows
  expect();
}

// Prometheus puts each into a series of its own.
TEST_F(ExemplarsTest, NeedNoSamplesBesideThem) {
  v1::WriteRequest request;
  AddExemplar(AddSeries(request, {{"__name__", "a"}, {"x", "1"}}), kNowMs, 7, {{"t", "1"}});
  EXPECT_EQ(Write(request).status, 204);
  EXPECT_THAT(Stored(kA), ElementsAre(R"(7@0 {t="1"})"));
  EXPECT_EQ(Metric("series_looked_into_total"), "0");  // it begins no series
  EXPECT_THAT(Select("a"), IsEmpty());
}

TEST_F(ExemplarsTest, AreTakenOnceInWhateverOrderTheyCome) {
  for (int round = 0; round < 2; ++round) {
    v1::WriteRequest request;
    v1::TimeSeries& a = AddA(request);
    AddExemplar(a, kNowMs, 1, {{"t", "new"}});
    AddExemplar(a, kNowMs - 60'000, 1, {{"t", "old"}});
    AddExemplar(a, kNowMs, 1, {{"t", "new"}});
    AddExemplar(a, kNowMs, 2, {{"t", "new"}});  // of the same time, but another one
    EXPECT_EQ(Write(request).status, 204);
    ASSERT_TRUE(store_->Flush().ok());
  }
  EXPECT_THAT(Stored(kA), UnorderedElementsAre(R"(1@-60000 {t="old"})", R"(1@0 {t="new"})",
                                               R"(2@0 {t="new"})"));
}

TEST_F(ExemplarsTest, MayHaveAnyValue) {
  v1::WriteRequest request;
  v1::TimeSeries& a = AddA(request);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {0.0, -123.456, 1e10, 1e-10, std::nan(""), infinity, -infinity}) {
    AddExemplar(a, kNowMs, value);
  }
  EXPECT_EQ(Write(request).status, 204);
  EXPECT_THAT(Stored(kA), UnorderedElementsAre("0@0 {}", "-123.456@0 {}", "10000000000@0 {}",
                                               "1e-10@0 {}", "nan@0 {}", "inf@0 {}", "-inf@0 {}"));
}

TEST_F(ExemplarsTest, WithoutATimeHaveThatOfTheNewestSample) {
  v1::WriteRequest request;
  v1::TimeSeries& a = AddA(request);
  AddSample(a, kNowMs - 1000, 1);
  AddExemplar(a, 0, 5);
  EXPECT_EQ(Write(request).status, 204);
  EXPECT_THAT(Stored(kA), ElementsAre("5@0 {}"));
}

TEST_F(ExemplarsTest, ThatNoneCanBeAreCountedAndTheRestIsTaken) {
  store_options_.max_late_ms = 3'600'000;
  Open();
  v1::WriteRequest request;
  v1::TimeSeries& a = AddA(request);
  const std::string most(126, 'v');
  AddExemplar(a, kNowMs, 1, {{"tt", most}});
  std::string wide;
  for (int i = 0; i < 126; ++i) wide += "ü";
  AddExemplar(a, kNowMs, 2, {{"tt", wide}});
  AddExemplar(a, kNowMs, 3, {{"tt", most + "v"}});
  AddExemplar(a, kNowMs, 3, {{"t", "1"}, {"s", most}});
  AddExemplar(a, kNowMs, 4, {{"", "x"}});
  AddExemplar(a, kNowMs, 4, {{"t", "1"}, {"t", "2"}});
  AddExemplar(a, kNowMs, 4, {{"t", "\xff"}});
  AddExemplar(a, kNowMs - 3'600'001, 5);
  AddExemplar(a, kNowMs + 3'600'000, 6);
  AddExemplar(AddSeries(request, {{"no", "name"}}), kNowMs, 7);
  AddExemplar(AddSeries(request, {{"__name__", "b"}}), 0, 8);  // without a sample to go by
  const http::Response response = Write(request);
  EXPECT_EQ(response.status, 204) << response.body;
  EXPECT_THAT(Stored(), SizeIs(2));
  EXPECT_THAT(Stored(kA), SizeIs(2));
  EXPECT_THAT(Select("a"), SizeIs(1));
  EXPECT_EQ(Metric("exemplars_total"), "2");
  EXPECT_EQ(Dropped("length"), "2");
  EXPECT_EQ(Dropped("labels"), "3");
  EXPECT_EQ(Dropped("too_old"), "2");
  EXPECT_EQ(Dropped("too_new"), "1");
  EXPECT_EQ(Dropped("series"), "1");
}

TEST_F(ExemplarsTest, OfASeriesThatIsRefusedGoWithIt) {
  store_options_.tenant_limits.max_series = 1;
  Open();
  v1::WriteRequest request;
  AddExemplar(AddA(request), kNowMs, 1);
  v1::TimeSeries& more = AddSeries(request, {{"__name__", "more"}});
  AddSample(more, kNowMs, 1);
  AddExemplar(more, kNowMs, 2);
  v1::TimeSeries& bad = AddSeries(request, {{"no", "name"}});
  AddSample(bad, kNowMs, 1);
  AddExemplar(bad, kNowMs, 3);
  EXPECT_EQ(Write(request).status, 400);  // for the samples
  EXPECT_THAT(Stored(), ElementsAre("1@0 {}"));
  EXPECT_EQ(Dropped("series"), "2");
}

TEST_F(ExemplarsTest, CountAgainstTheRateOfSamples) {
  store_options_.tenant_limits.max_samples_a_second = 10;
  Open();
  v1::WriteRequest request;
  v1::TimeSeries& series = AddSeries(request, {{"__name__", "a"}, {"x", "1"}});
  for (int i = 0; i < 125; ++i) AddExemplar(series, kNowMs, i);
  EXPECT_EQ(Write(request).status, 204);
  EXPECT_EQ(Write(request).status, 429);  // it may come again
  EXPECT_EQ(Metric("exemplars_total"), "125");
}

TEST_F(ExemplarsTest, ExpireWithTheirSamples) {
  v1::WriteRequest request;
  AddExemplar(AddA(request), kNowMs - 3'600'000, 1);
  EXPECT_EQ(Write(request).status, 204);
  ASSERT_TRUE(store_->Flush().ok());
  ASSERT_THAT(Stored(), SizeIs(1));
  constexpr int64_t kDayMs = 86'400'000;
  ASSERT_TRUE(store_->DropBefore(kNowMs + kDayMs).ok());
  EXPECT_THAT(Stored(), IsEmpty());
}

class ExemplarsV2Test : public ExemplarsTest {
 protected:
  ExemplarsV2Test() {
    for (const char* symbol : {"", "__name__", "a", "x", "1", "trace_id", "abc"}) {
      request_.add_symbols(symbol);
    }
    series_ = request_.add_timeseries();
    for (const uint32_t number : {1, 2, 3, 4}) series_->add_labels_refs(number);
  }

  v2::Exemplar& AddExemplar(int64_t ts_ms, double value, const std::vector<uint32_t>& labels) {
    v2::Exemplar& exemplar = *series_->add_exemplars();
    exemplar.set_timestamp(ts_ms);
    exemplar.set_value(value);
    for (const uint32_t number : labels) exemplar.add_labels_refs(number);
    return exemplar;
  }

  http::Response Send(const std::string& message) {
    http::Request http = WriteRequestOf(message);
    http.headers[0].second = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    return WriteAndWait(*receiver_, http);
  }

  static std::string Written(const http::Response& response) {
    for (const auto& [name, value] : response.headers) {
      if (name == "X-Prometheus-Remote-Write-Exemplars-Written") return value;
    }
    return "";
  }

  v2::Request request_;
  v2::TimeSeries* series_;
};

TEST_F(ExemplarsV2Test, AreKeptAndCounted) {
  v2::Sample& sample = *series_->add_samples();
  sample.set_timestamp(kNowMs);
  AddExemplar(kNowMs - 1, 0.125, {5, 6});
  AddExemplar(0, 2, {});
  AddExemplar(kNowMs - 2, 3, {0, 6});  // no name
  const http::Response response = Send(request_.SerializeAsString());
  EXPECT_EQ(response.status, 204) << response.body;
  EXPECT_EQ(Written(response), "2");
  EXPECT_THAT(Stored(kA), ElementsAre(R"(0.125@-1 {trace_id="abc"})", "2@0 {}"));
}

TEST_F(ExemplarsV2Test, GoWithHistogramsToo) {
  v2::Histogram& histogram = *series_->add_histograms();
  histogram.set_timestamp(kNowMs);
  histogram.set_count_int(0);
  AddExemplar(0, 2, {5, 6});
  const http::Response response = Send(request_.SerializeAsString());
  EXPECT_EQ(response.status, 204) << response.body;
  EXPECT_EQ(Written(response), "1");
  EXPECT_THAT(Stored(kA), ElementsAre(R"(2@0 {trace_id="abc"})"));
}

TEST_F(ExemplarsV2Test, MayHaveTheirLabelsInPieces) {
  AddExemplar(kNowMs, 1, {5});
  // Two fields, each packed: 5, then 6.
  std::string message = request_.SerializeAsString();
  const std::string one = series_->exemplars(0).SerializeAsString();
  const std::string two = one + std::string("\x0a\x01\x06", 3);
  std::string series = series_->SerializeAsString();
  const size_t at = series.rfind(one);
  ASSERT_NE(at, std::string::npos);
  series = series.substr(0, at - 1) + static_cast<char>(two.size()) + two;
  request_.clear_timeseries();
  message = request_.SerializeAsString() + '\x2a' + static_cast<char>(series.size()) + series;
  EXPECT_EQ(Send(message).status, 204);
  EXPECT_THAT(Stored(kA), ElementsAre(R"(1@0 {trace_id="abc"})"));
}

TEST_F(ExemplarsV2Test, WithoutTheirSymbolsAreNoMessage) {
  for (const std::vector<uint32_t>& labels : {std::vector<uint32_t>{5, 99}, {5}}) {
    series_->clear_exemplars();
    AddExemplar(kNowMs, 1, labels);
    EXPECT_EQ(Send(request_.SerializeAsString()).status, 400);
  }
  EXPECT_THAT(Stored(), IsEmpty());
}

}  // namespace
}  // namespace leadline::collector::remote::write
