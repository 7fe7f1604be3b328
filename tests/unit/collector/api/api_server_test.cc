// The API over a real socket: what Prometheus' clients send, and what they get.
#include "collector/api/api_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "collector/store/record/rows.h"
#include "tests/promql/memory_queryable.h"
#include "tests/unit/collector/api/http_send.h"

namespace leadline::collector::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ApiServerTest : public testing::Test {
 protected:
  void SetUp() override {
    AddSeries({{"__name__", "up_total"}, {"job", "api"}, {"pod", "a"}}, {0, 10, 20, 30});
    AddSeries({{"__name__", "up_total"}, {"job", "api"}, {"pod", "b"}}, {0, 1, 2, 3});
    store::SeriesBlock histogram;
    histogram.labels = std::make_shared<const LabelSet>(LabelSet({{"__name__", "h_seconds"}}));
    histogram.histogram_ts_ms = {0};
    histogram.histograms.push_back({.schema = 0,
                                    .zero_threshold = 0,
                                    .zero_count = 1,
                                    .count = 7,
                                    .sum = 12.5,
                                    .positive = {{0, 2}, {2, 3}},
                                    .negative = {{1, 1}}});
    queryable_.Add(std::move(histogram));
  }

  // A sample each 10 s from time 0.
  void AddSeries(LabelSet labels, const std::vector<double>& values) {
    store::SeriesBlock series;
    series.labels = std::make_shared<const LabelSet>(std::move(labels));
    for (const double value : values) {
      series.ts_ms.push_back(static_cast<int64_t>(series.ts_ms.size()) * 10'000);
      series.values.push_back(value);
    }
    queryable_.Add(std::move(series));
  }

  ApiServer& Server() {
    if (server_ == nullptr) {
      options_.address = "127.0.0.1:0";
      options_.clock = &clock_;
      options_.registry = registry_;
      auto server = ApiServer::Start(queryable_, options_);
      EXPECT_TRUE(server.ok()) << server.status();
      server_ = *std::move(server);
    }
    return *server_;
  }

  Reply Get(const std::string& target) {
    return Send(Server().port(),
                "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
  Reply Post(const std::string& target, const std::string& form) {
    return Send(Server().port(),
                "POST " + target +
                    " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                    std::to_string(form.size()) + "\r\n\r\n" + form);
  }

  // Asks, is told that it runs as `text`, goes, and is told that it does not any more.
  void AskAndGo(const std::string& target, const std::string& text) {
    const auto active = [this] { return Get("/api/v2/queries/active").body; };
    const std::string nobody = R"({"status":"success","data":[]})";
    EXPECT_EQ(active(), nobody);
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(Server().port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    const std::string request = "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n";
    ASSERT_EQ(send(client, request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
    while (active() == nobody) std::this_thread::yield();
    EXPECT_THAT(active(), HasSubstr(text));
    close(client);
    while (active() != nobody) std::this_thread::yield();
  }

  ManualClock clock_{30'000};
  promqltest::MemoryQueryable queryable_;
  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  ApiOptions options_;
  std::unique_ptr<ApiServer> server_;
};

struct GoodCase {
  std::string target, body;
};

TEST_F(ApiServerTest, AnswersAsPrometheusDoes) {
  const GoodCase cases[] = {
      {"/api/v1/query?query=up_total{pod=%22a%22}",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up_total","job":"api","pod":"a"},"value":[30,"30"]}]}})"},
      {"/api/v1/query?query=sum(up_total)&time=10.5",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[10.500,"11"]}]}})"},
      {"/api/v1/query?query=1%2B1&time=1970-01-01T00:00:05Z",
       R"({"status":"success","data":{"resultType":"scalar","result":[5,"2"]}})"},
      {"/api/v1/query?query=%22a%22",
       R"({"status":"success","data":{"resultType":"string","result":[30,"a"]}})"},
      {"/api/v1/query?query=up_total{pod=%22b%22}[15s]",
       R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up_total","job":"api","pod":"b"},"values":[[20,"2"],[30,"3"]]}]}})"},
      {"/api/v1/query?query=nosuch",
       R"({"status":"success","data":{"resultType":"vector","result":[]}})"},
      {"/api/v1/query?query=h_seconds&time=1",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"h_seconds"},"histogram":[1,{"count":"7","sum":"12.5","buckets":[[1,"-2","-1","1"],[3,"-0","0","1"],[0,"0.5","1","2"],[0,"2","4","3"]]}]}]}})"},
      {"/api/v1/query?query=0*h_seconds&time=1",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{"count":"0","sum":"0"}]}]}})"},
      {"/api/v1/query_range?query=sum(up_total)&start=0&end=20&step=10s",
       R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[0,"0"],[10,"11"],[20,"22"]]}]}})"},
      {"/api/v1/query_range?query=2&start=0&end=1&step=0.5",
       R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[0,"2"],[0.500,"2"],[1,"2"]]}]}})"},
      {"/api/v1/query?query=up_total&limit=1",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up_total","job":"api","pod":"a"},"value":[30,"30"]}]},"warnings":["results truncated due to limit"]})"},
      {"/api/v1/query_range?query=histogram_quantile(10%2Btime(),nosuch)&start=0&end=110&step=10",
       R"-({"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["PromQL warning: quantile value should be between 0 and 1, got 10 (1:20)","PromQL warning: quantile value should be between 0 and 1, got 100 (1:20)","PromQL warning: quantile value should be between 0 and 1, got 110 (1:20)","PromQL warning: quantile value should be between 0 and 1, got 120 (1:20)","PromQL warning: quantile value should be between 0 and 1, got 20 (1:20)","PromQL warning: quantile value should be between 0 and 1, got 30 (1:20)","PromQL warning: quantile value should be between 0 and 1, got 40 (1:20)","PromQL warning: quantile value should be between 0 and 1, got 50 (1:20)","PromQL warning: quantile value should be between 0 and 1, got 60 (1:20)","PromQL warning: quantile value should be between 0 and 1, got 70 (1:20)","2 more warning annotations omitted"]})-"},
      {"/api/v1/labels", R"({"status":"success","data":["__name__","job","pod"]})"},
      {"/api/v1/labels?match[]=h_seconds", R"({"status":"success","data":["__name__"]})"},
      {"/api/v1/label/pod/values", R"({"status":"success","data":["a","b"]})"},
      {"/api/v1/label/pod/values?limit=1",
       R"({"status":"success","data":["a"],"warnings":["results truncated due to limit"]})"},
      {"/api/v1/label/U______name____/values?start=10",
       R"({"status":"success","data":["up_total"]})"},
      {"/api/v1/label/U__p_6f_d/values", R"({"status":"success","data":["a","b"]})"},
      {"/api/v1/label/__name__/values?start=10", R"({"status":"success","data":["up_total"]})"},
      {"/api/v1/series?match[]=h_seconds&match[]=nosuch",
       R"({"status":"success","data":[{"__name__":"h_seconds"}]})"},
  };
  for (const GoodCase& test : cases) {
    const Reply reply = Get(test.target);
    EXPECT_EQ(reply.status, 200) << test.target;
    EXPECT_EQ(reply.body, test.body) << test.target;
    EXPECT_THAT(reply.head, HasSubstr("Content-Type: application/json\r\n")) << test.target;
  }
}

TEST_F(ApiServerTest, TakesForms) {
  EXPECT_EQ(
      Post("/api/v1/query", "query=sum(up_total)&time=10").body,
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[10,"11"]}]}})");
  EXPECT_EQ(Post("/api/v1/series", "match%5B%5D=h_seconds").body,
            R"({"status":"success","data":[{"__name__":"h_seconds"}]})");
}

TEST_F(ApiServerTest, RefusesInPrometheusWords) {
  struct BadCase {
    std::string target;
    int status;
    std::string type, error;
  };
  const BadCase cases[] = {
      {"/api/v1/query?query=sum(", 400, "bad_data",
       R"(invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis)"},
      {"/api/v1/query", 400, "bad_data",
       R"(invalid parameter \"query\": unknown position: parse error: no expression found in input)"},
      {"/api/v1/query?query=sort_by_label(x,1)", 400, "bad_data",
       R"(invalid parameter \"query\": 1:17: parse error: expected type string in call to function \"sort_by_label\", got scalar)"},
      {"/api/v1/query?query=1&time=x", 400, "bad_data",
       R"(invalid parameter \"time\": Invalid time value for 'time': cannot parse \"x\" to a valid timestamp)"},
      {"/api/v1/query?query=1&timeout=x", 400, "bad_data",
       R"(invalid parameter \"timeout\": cannot parse \"x\" to a valid duration)"},
      {"/api/v1/query?query=1&max_source_resolution=-5", 400, "bad_data",
       R"(invalid parameter \"max_source_resolution\": it must not be negative)"},
      {"/api/v2/entities/30313233343536373839616263646566/versions?start=9&end=2", 400, "bad_data",
       R"(invalid parameter \"end\": end timestamp must not be before start time)"},
      {"/api/v1/query?query=1&limit=-1", 400, "bad_data",
       R"(invalid parameter \"limit\": limit must be non-negative)"},
      {"/api/v1/metadata?limit_per_metric=x", 400, "bad_data",
       R"(invalid parameter \"limit_per_metric\": cannot parse \"x\" to a number)"},
      {"/api/v1/query_range?query=1&end=1&step=1", 400, "bad_data",
       R"(invalid parameter \"start\": cannot parse \"\" to a valid timestamp)"},
      {"/api/v1/query_range?query=1&start=2&end=1&step=1", 400, "bad_data",
       R"(invalid parameter \"end\": end timestamp must not be before start time)"},
      {"/api/v1/query_range?query=1&start=1&end=2&step=0", 400, "bad_data",
       R"(invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer)"},
      {"/api/v1/query_range?query=1&start=0&end=11001&step=1", 400, "bad_data",
       "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
       "resolution (?step=XX)"},
      {"/api/v1/query?query={__name__=~%22.%2B%22}%2B1", 422, "execution",
       "vector cannot contain metrics with the same labelset"},
      {"/api/v1/series", 400, "bad_data", "no match[] parameter provided"},
      {"/api/v1/labels?start=x", 400, "bad_data",
       R"(invalid parameter \"start\": Invalid time value for 'start': cannot parse \"x\" to a valid timestamp)"},
      {"/api/v1/label/%FF/values", 400, "bad_data", "invalid label name: \\\"\xEF\xBF\xBD\\\""},
      {"/api/v1/query?query=up_total&timeout=0", 503, "timeout",
       "query timed out in expression evaluation: it may take 0 (timeout)"},
  };
  AddSeries({{"__name__", "down_total"}, {"job", "api"}, {"pod", "a"}}, {1, 1, 1, 1});
  for (const BadCase& test : cases) {
    const Reply reply = Get(test.target);
    EXPECT_EQ(reply.status, test.status) << test.target;
    EXPECT_EQ(reply.body, R"({"status":"error","errorType":")" + test.type + R"(","error":")" +
                              test.error + "\"}")
        << test.target;
  }
  EXPECT_EQ(Get("/api/v1/query_range?query=1&start=0&end=11000&step=1").status, 200);
}

TEST_F(ApiServerTest, LimitsWhatAQueryHolds) {
  options_.engine.max_samples = 6;
  const Reply reply = Get("/api/v1/query?query=sum(up_total[1h])&time=30");
  EXPECT_EQ(reply.status, 400);
  const Reply large = Get("/api/v1/query?query=sum(rate(up_total[1h]))&time=30");
  EXPECT_EQ(large.status, 422);
  EXPECT_THAT(large.body, HasSubstr("\"errorType\":\"execution\""));
  EXPECT_EQ(Get("/api/v1/query?query=sum(rate(up_total{pod=%22a%22}[1h]))&time=30").status, 200);
}

TEST_F(ApiServerTest, ExplainsQueries) {
  const Reply reply = Get("/api/v2/explain?query=sum(rate(up_total[1m]))&start=10&end=30&step=10");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr(R"("steps":3)"));
  EXPECT_THAT(reply.body, HasSubstr(R"x("what":"aggregation","text":"sum(rate(up_total[1m]))")x"));
  EXPECT_THAT(reply.body, HasSubstr(R"("plan":["without labels","for rate"])"));
  EXPECT_THAT(reply.body, HasSubstr(R"("candidates":2,"series":2)"));
  EXPECT_EQ(Get("/api/v2/explain?query=sum(").status, 400);
  EXPECT_EQ(Get("/api/v2/explain?query=1&start=3&end=2&step=1").status, 400);
}

TEST_F(ApiServerTest, TellsWhatAQueryTookWhereItIsAskedFor) {
  for (const char* target : {"query?time=30", "query_range?start=30&end=30&step=10"}) {
    const std::string path = std::string("/api/v1/") + target + "&query=sum(rate(up_total[1m]))";
    const std::string body = Get(path + "&stats=all").body;
    EXPECT_THAT(body,
                testing::ContainsRegex(R"(\],"stats":\{"timings":\{"evalTotalTime":[0-9.]+,)"
                                       R"("queryPreparationTime":[0-9.]+,"innerEvalTime":[0-9.]+,)"
                                       R"("execQueueTime":[0-9.]+,"execTotalTime":[0-9.]+\},)"
                                       R"("samples":\{"totalQueryableSamplesPerStep":)"
                                       R"(\[\[30,8\]\],"totalQueryableSamples":8,)"
                                       R"("samplesRead":8,"peakSamples":[0-9]+\}\}\}\}$)"))
        << target;
    EXPECT_THAT(Get(path + "&stats=true").body,
                testing::ContainsRegex(
                    R"("samples":\{"totalQueryableSamples":8,"samplesRead":8,"peakSamples":)"));
    EXPECT_THAT(Get(path + "&stats=").body, Not(HasSubstr("stats")));
  }
}

// It would run for minutes.
TEST_F(ApiServerTest, EndsAQueryWhoseClientHasGone) {
  options_.engine.timeout = absl::Hours(1);
  AddSeries({{"__name__", "long"}}, std::vector<double>(40'000, 1));
  AskAndGo(
      "/api/v1/query_range?query=quantile_over_time(0.5,long[10000000s])&start=400000"
      "&end=410000&step=1",
      "quantile_over_time(0.5,long[10000000s])");
}

// Its turn would never come.
TEST_F(ApiServerTest, EndsARequestForSeriesWhoseClientHasGone) {
  options_.engine.timeout = absl::Hours(1);
  options_.engine.max_concurrency = 0;
  AskAndGo("/api/v1/series?match[]=up_total", "/api/v1/series up_total");
  const auto is_counted = [this] {
    return Get("/metrics")
               .body.find(
                   "leadline_collector_series_requests_total{call=\"series\",result=\"canceled\"} "
                   "1") != std::string::npos;
  };
  while (!is_counted()) std::this_thread::yield();
}

TEST_F(ApiServerTest, LimitsWhatRequestsForSeriesTake) {
  options_.engine.max_memory_bytes = 10'000;
  const std::string targets[] = {"/api/v1/series?match[]=up_total", "/api/v1/labels",
                                 "/api/v1/label/pod/values"};
  for (const std::string& target : targets) {
    const Reply reply = Get(target);
    EXPECT_EQ(reply.status, 422) << target;
    EXPECT_THAT(reply.body, HasSubstr("the query would take too much memory: ")) << target;
    EXPECT_THAT(reply.body, HasSubstr("of 10000 allowed (query-max-memory)")) << target;
  }
  EXPECT_THAT(Get("/metrics").body,
              HasSubstr("leadline_collector_series_requests_total{call=\"labels\","
                        "result=\"execution\"} 1"));
  server_ = nullptr;
  registry_ = std::make_shared<prometheus::Registry>();
  options_.engine.max_memory_bytes = 100'000;
  for (int i = 0; i < 3; ++i) {  // what each held was given back
    for (const std::string& target : targets) {
      EXPECT_EQ(Get(target).status, 200) << target;
      const Reply late =
          Get(target + (target.find('?') == std::string::npos ? "?" : "&") + "timeout=0");
      EXPECT_EQ(late.status, 503) << target;
      EXPECT_THAT(late.body, HasSubstr("\"errorType\":\"timeout\"")) << target;
    }
  }
  const std::string metrics = Get("/metrics").body;
  for (const char* result : {"success", "timeout"}) {
    EXPECT_THAT(metrics,
                HasSubstr(std::string("leadline_collector_series_requests_total{call=\"series\","
                                      "result=\"") +
                          result + "\"} 3"));
  }
}

TEST_F(ApiServerTest, PassesTheStoresErrorsOn) {
  queryable_.FailWith(absl::DataLossError("window 3 is damaged"));
  for (const char* target : {"/api/v1/query?query=x", "/api/v1/labels", "/api/v1/label/a/values",
                             "/api/v1/series?match[]=x", "/api/v1/status/tsdb"}) {
    const Reply reply = Get(target);
    EXPECT_EQ(reply.status, 500) << target;
    EXPECT_EQ(reply.body,
              R"({"status":"error","errorType":"internal","error":"window 3 is damaged"})");
  }
  // What is counted of those whose client has gone.
  queryable_.FailWith(absl::CancelledError("query was canceled"));
  const Reply canceled = Get("/api/v1/query?query=x");
  EXPECT_EQ(canceled.status, 499);
  EXPECT_THAT(canceled.body, HasSubstr(R"("errorType":"canceled")"));
}

TEST_F(ApiServerTest, SaysHowItIs) {
  bool ready = false;
  options_.checks = {
      {"store", [&] { return ready ? absl::OkStatus() : absl::UnavailableError("replaying"); }}};
  EXPECT_EQ(Get("/livez").body, "ok");
  EXPECT_EQ(Get("/-/healthy").status, 200);
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_EQ(Get("/-/ready").status, 503);
  EXPECT_THAT(Get("/readyz?verbose").body, HasSubstr("[-]store failed: replaying"));
  ready = true;
  EXPECT_EQ(Get("/readyz").body, "ok");
  EXPECT_EQ(Get("/-/ready").status, 200);
  EXPECT_EQ(Get("/healthz?verbose").body, "[+]store ok\nhealthz check passed\n");
}

TEST_F(ApiServerTest, CountsQueriesByResult) {
  Get("/api/v1/query?query=1");
  Get("/api/v1/query?query=(");
  const std::string metrics = Get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("leadline_collector_queries_total{result=\"success\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("leadline_collector_queries_total{result=\"bad_data\"} 1"));
  EXPECT_THAT(
      metrics,
      HasSubstr("leadline_collector_http_requests_total{code=\"400\",route=\"/api/v1/query\"} 1"));
}

TEST_F(ApiServerTest, FlushesOnlyByPost) {
  int flushed = 0;
  absl::Status outcome;
  options_.flush = [&] {
    ++flushed;
    return outcome;
  };
  EXPECT_EQ(Get("/api/v2/admin/flush").status, 405);
  EXPECT_EQ(flushed, 0);
  EXPECT_EQ(Post("/api/v2/admin/flush", "").body, R"({"status":"success","data":{}})");
  EXPECT_EQ(flushed, 1);
  outcome = absl::InternalError("the disk is broken");
  EXPECT_EQ(Post("/api/v2/admin/flush", "").status, 500);
  outcome = absl::ResourceExhaustedError("the disk is full");
  EXPECT_EQ(Post("/api/v2/admin/flush", "").status, 503);
}

TEST_F(ApiServerTest, KnowsTheCatalogueAndItself) {
  EXPECT_EQ(
      Get("/api/v1/metadata?metric=container_memory_usage_bytes").body,
      R"({"status":"success","data":{"container_memory_usage_bytes":[{"type":"gauge","help":"Current memory usage, including all memory regardless of when it was accessed.","unit":"bytes"}]}})");
  EXPECT_THAT(Get("/api/v1/metadata").body, HasSubstr("\"container_syscalls_total\""));
  EXPECT_EQ(Get("/api/v1/metadata?metric=container_memory_usage_bytes").body,
            Get("/api/v1/metadata?metric=container_memory_usage_bytes&limit_per_metric=1").body);
  const std::string build = Get("/api/v1/status/buildinfo").body;
  EXPECT_THAT(build, HasSubstr("\"version\":\"3."));
  EXPECT_THAT(build, Not(HasSubstr("\"features\"")));  // which would be taken for Mimir's
}

TEST_F(ApiServerTest, WritesTheBucketsThatAHistogramNames) {
  store::SeriesBlock custom;
  custom.labels = std::make_shared<const LabelSet>(LabelSet({{"__name__", "custom_seconds"}}));
  custom.histogram_ts_ms = {0};
  custom.histograms.push_back({.schema = model::kCustomBuckets,
                               .count = 6,
                               .sum = 12.5,
                               .positive = {{0, 1}, {1, 2}, {2, 3}},
                               .custom_bounds = {0.5, 2.5}});
  queryable_.Add(std::move(custom));
  EXPECT_THAT(Get("/api/v1/query?query=custom_seconds&time=1").body,
              HasSubstr(R"({"count":"6","sum":"12.5","buckets":[[3,"-Inf","0.5","1"],)"
                        R"([0,"0.5","2.5","2"],[0,"2.5","+Inf","3"]]})"));
}

TEST_F(ApiServerTest, FormatsQueries) {
  EXPECT_EQ(Get("/api/v1/format_query?query=sum(x)by(a)").body,
            R"--({"status":"success","data":"sum by (a) (x)"})--");
  EXPECT_EQ(Post("/api/v1/format_query", "query=x%2By").body,
            R"({"status":"success","data":"x + y"})");
  EXPECT_EQ(Get("/api/v1/format_query?query=sum(").status, 400);
}

TEST_F(ApiServerTest, SaysHowItWasStartedAndWhatItKeeps) {
  options_.flags = {{"data", "/d"}, {"rules", ""}, {"retention", "30d"}};
  EXPECT_EQ(Get("/api/v1/status/flags").body,
            R"({"status":"success","data":{"data":"/d","rules":"","retention":"30d"}})");
  prometheus::BuildCounter()
      .Name("leadline_collector_store_quarantined_total")
      .Register(*registry_)
      .Add({{"kind", "window"}})
      .Increment(2);
  const std::string runtime = Get("/api/v1/status/runtimeinfo").body;
  EXPECT_THAT(runtime, HasSubstr(R"("startTime":"1970-01-01T00:00:30.000Z")"));
  EXPECT_THAT(runtime,
              HasSubstr(R"("reloadConfigSuccess":true,"lastConfigTime":"1970-01-01T00:00:30)"));
  EXPECT_THAT(runtime, HasSubstr(R"("corruptionCount":2,"storageRetention":"30d")"));
  EXPECT_EQ(Get("/api/v1/status/config").body,
            R"({"status":"success","data":{"yaml":"data: \"/d\"\nretention: \"30d\"\n"}})");
  EXPECT_THAT(
      Get("/api/v1/status/tsdb?limit=1").body,
      HasSubstr(
          R"("seriesCountByMetricName":[{"name":"up_total","value":2}],"labelValueCountByLabelName":[{"name":"__name__","value":2}],"memoryInBytesByLabelName":[{"name":"__name__","value":17}],"seriesCountByLabelValuePair":[{"name":"__name__=up_total","value":2}])"));
  EXPECT_EQ(Get("/api/v1/status/tsdb?limit=10001").status, 400);
}

TEST_F(ApiServerTest, SaysWhetherTheRulesWereReadAndWhen) {
  const auto set = [this](const char* name, double value) {
    prometheus::BuildGauge().Name(name).Register(*registry_).Add({}).Set(value);
  };
  set("leadline_collector_rule_last_reload_successful", 0);
  set("leadline_collector_rule_last_reload_success_timestamp_seconds", 45);
  EXPECT_THAT(
      Get("/api/v1/status/runtimeinfo").body,
      HasSubstr(R"("reloadConfigSuccess":false,"lastConfigTime":"1970-01-01T00:00:45.000Z")"));
}

TEST_F(ApiServerTest, TakesLongSelectorsByGet) {
  std::string pods = "a";
  while (pods.size() < 250'000) pods += "%7Cpod-" + std::to_string(pods.size());
  const std::string target = "/api/v1/label/pod/values?match[]=up_total{pod=~%22";
  EXPECT_EQ(Get(target + pods + "%22}").body, R"({"status":"success","data":["a"]})");
  EXPECT_EQ(Get(target + std::string(1'100'000, 'a') + "%22}").status, 431);
}

TEST_F(ApiServerTest, HasNoTargetsAndNobodyToTell) {
  const std::pair<const char*, const char*> cases[] = {
      {"targets?state=active",
       R"({"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}})"},
      {"targets/metadata?match_target={job=%22x%22}", "[]"},
      {"scrape_pools", R"({"scrapePools":[]})"},
      {"alertmanagers", R"({"activeAlertmanagers":[],"droppedAlertmanagers":[]})"}};
  for (const auto& [path, data] : cases) {
    const Reply reply = Get(std::string("/api/v1/") + path);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, std::string(R"({"status":"success","data":)") + data + "}");
  }
}

TEST_F(ApiServerTest, TellsHowAnEntityChanged) {
  model::EntityVersion version;
  version.id = *Id128::FromBytes("0123456789abcdef");
  version.kind = model::EntityKind::kPod;
  version.labels = LabelSet({{"pod", "web-1"}});
  version.start_ms = 1'000;
  version.valid_from_ms = 2'000;
  queryable_.AddRecord(store::record::OfEntityVersion(version, 3'000));
  version.end_ms = 9'000;
  queryable_.AddRecord(store::record::OfEntityVersion(version, 9'000));
  const std::string path = "/api/v2/entities/30313233343536373839616263646566/versions";
  const std::string first =
      R"({"id":"30313233343536373839616263646566","kind":"pod","start":"1970-01-01T00:00:01.000Z",)"
      R"("validFrom":"1970-01-01T00:00:02.000Z","labels":{"pod":"web-1"},"kubernetesLabels":{}})";
  EXPECT_EQ(Get(path + "?end=5").body, R"({"status":"success","data":[)" + first + "]}");
  EXPECT_THAT(Get(path).body, HasSubstr(first + R"(,{"id":"30)"));
  EXPECT_THAT(Get(path).body, HasSubstr(R"("end":"1970-01-01T00:00:09.000Z")"));
  EXPECT_EQ(Get("/api/v2/entities/x/versions").status, 400);
}

TEST_F(ApiServerTest, SaysWhatIsMissing) {
  EXPECT_EQ(Get("/api/v2/status/gaps").body, R"({"status":"success","data":[]})");
  const auto warnings = [&] { return Get("/api/v1/query?query=up_total&time=30").body; };
  EXPECT_THAT(warnings(), testing::Not(HasSubstr("warnings")));
  queryable_.SetGap(29'000, "data of a day is damaged");
  EXPECT_EQ(Get("/api/v2/status/gaps").body,
            R"({"status":"success","data":["data of a day is damaged"]})");
  EXPECT_THAT(warnings(), HasSubstr(R"("warnings":["data of a day is damaged"])"));
  EXPECT_THAT(Get("/api/v1/query?query=up_total&time=20").body,
              testing::Not(HasSubstr("warnings")));
}

TEST_F(ApiServerTest, ListsWhatThereIsToAsk) {
  const auto reply = Get("/");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, testing::StartsWith("Leadline collector "));
  EXPECT_THAT(reply.body, testing::ContainsRegex("\nGET, POST +/api/v1/query +What a query gives "
                                                 "at one time\\.\n"));
  EXPECT_THAT(reply.body, testing::ContainsRegex("\nGET +/ +This list"));
  EXPECT_EQ(Get("/nothing").status, 404);
}

TEST_F(ApiServerTest, CompressesAndLetsWebPagesRead) {
  const std::string head = Send(Server().port(),
                                "GET /api/v1/metadata HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                "Accept-Encoding: gzip\r\nOrigin: http://grafana.example\r\n\r\n")
                               .head;
  EXPECT_THAT(head, HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nAccess-Control-Allow-Origin: *\r\n"));
}

TEST_F(ApiServerTest, SaysWhichAddressIsTaken) {
  ApiOptions second;
  second.address = Server().address();
  const auto started = ApiServer::Start(queryable_, second);
  EXPECT_EQ(started.status().message(),
            "listen for HTTP on " + Server().address() + ": Address already in use");
}

}  // namespace
}  // namespace leadline::collector::api
