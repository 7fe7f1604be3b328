// Exemplars over a real socket, as Prometheus answers them.
#include "collector/api/exemplars_api.h"

#include <cmath>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "collector/api/api_server.h"
#include "collector/store/record/exemplars.h"
#include "tests/promql/memory_queryable.h"
#include "tests/unit/collector/api/http_send.h"

namespace leadline::collector::api {
namespace {

using ::testing::HasSubstr;

class ExemplarsApiTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* code : {"200", "500"}) AddSeries(code);
    AddExemplar("200", 10'000, 6, {{"trace_id", "EpTxMJ40fUus7aGY"}});
    AddExemplar("200", 25'479, 0.5);
    AddExemplar("500", 20'000, std::nan(""), {{"a", "b"}});
    AddExemplar("404", 20'000, 1);  // its series is none
    auto server = ApiServer::Start(queryable_, {.address = "127.0.0.1:0", .clock = &clock_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  void AddSeries(const std::string& code) {
    store::SeriesBlock series;
    series.labels =
        std::make_shared<const LabelSet>(LabelSet({{"__name__", "hits_total"}, {"code", code}}));
    series.ts_ms = {0, 10'000, 20'000, 30'000};
    series.values = {0, 1, 2, 3};
    queryable_.Add(std::move(series));
  }

  void AddExemplar(const std::string& code, int64_t ts_ms, double value, LabelSet labels = {}) {
    queryable_.AddRecord(store::record::OfExemplar(
        store::record::ExemplarSeriesId(
            {.metric = "hits_total", .residual = LabelSet({{"code", code}})}),
        {std::move(labels), value, ts_ms}));
  }

  Reply Get(const std::string& parameters) {
    return Send(server_->port(), "GET /api/v1/query_exemplars?" + parameters +
                                     " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  Reply Post(const std::string& form) {
    return Send(server_->port(),
                "POST /api/v1/query_exemplars HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                    std::to_string(form.size()) + "\r\n\r\n" + form);
  }

  promqltest::MemoryQueryable queryable_;
  ManualClock clock_{30'000};
  std::unique_ptr<ApiServer> server_;
};

constexpr char kOf200[] =
    R"({"seriesLabels":{"__name__":"hits_total","code":"200"},"exemplars":[)"
    R"({"labels":{"trace_id":"EpTxMJ40fUus7aGY"},"value":"6","timestamp":10},)"
    R"({"labels":{},"value":"0.5","timestamp":25.479}]})";
constexpr char kOf500[] = R"({"seriesLabels":{"__name__":"hits_total","code":"500"},"exemplars":[)"
                          R"({"labels":{"a":"b"},"value":"NaN","timestamp":20}]})";

std::string Data(const std::string& series) {
  return R"({"status":"success","data":[)" + series + "]}";
}

TEST_F(ExemplarsApiTest, AreThoseOfTheSeriesThatAQueryNames) {
  const std::string all = Data(std::string(kOf200) + "," + kOf500);
  EXPECT_EQ(Get("query=hits_total&start=0&end=30").body, all);
  EXPECT_EQ(Post("query=sum(rate(hits_total[5m]))&start=0&end=30").body, all);
  EXPECT_EQ(Get("query=hits_total").body, all);  // of all times
  EXPECT_EQ(Get("query=hits_total{code='500'}").body, Data(kOf500));
  // Of several selectors the union.
  EXPECT_EQ(Get("query=hits_total{code='500'}/hits_total{code=~'.00'}").body, all);
  EXPECT_EQ(Get("query=other").body, Data(""));
  EXPECT_EQ(Get("query=1").body, Data(""));
}

TEST_F(ExemplarsApiTest, AreThoseOfTheTimesBothIncluded) {
  EXPECT_EQ(Get("query=hits_total&start=20&end=20").body, Data(kOf500));
  EXPECT_EQ(Get("query=hits_total&start=26&end=40").body, Data(""));
  // Their series have samples near.
  EXPECT_EQ(Get("query=hits_total&start=31").body, Data(""));
  AddExemplar("500", 200'000, 1);
  EXPECT_THAT(Get("query=hits_total&start=100&end=300").body, HasSubstr("\"timestamp\":200}"));
}

TEST_F(ExemplarsApiTest, AreLimitedBySeries) {
  const Reply reply = Get("query=hits_total&limit=1");
  EXPECT_EQ(reply.body, std::string(R"({"status":"success","data":[)") + kOf200 +
                            R"(],"warnings":["results truncated due to limit"]})");
  EXPECT_EQ(Get("query=hits_total&limit=2").body, Get("query=hits_total").body);
}

TEST_F(ExemplarsApiTest, WhatIsAskedWronglyIsSaid) {
  struct Case {
    const char* parameters;
    const char* text;
  };
  for (const Case& bad :
       {Case{"query=hits_total&start=2&end=1", "end timestamp must not be before start timestamp"},
        Case{"query=hits_total&start=x",
             R"(invalid parameter \"start\": Invalid time value for 'start': )"},
        Case{"query=sum(", R"(invalid parameter \"query\": )"},
        Case{"start=1", R"(invalid parameter \"query\": )"},
        Case{"query=hits_total&limit=-1", R"(invalid parameter \"limit\": )"}}) {
    const Reply reply = Get(bad.parameters);
    EXPECT_EQ(reply.status, 400) << bad.parameters;
    EXPECT_THAT(reply.body, HasSubstr(R"("errorType":"bad_data")")) << bad.parameters;
    EXPECT_THAT(reply.body, HasSubstr(bad.text));
  }
  queryable_.FailWith(absl::DataLossError("broken"));
  EXPECT_EQ(Get("query=hits_total").status, 500);
}

}  // namespace
}  // namespace leadline::collector::api
