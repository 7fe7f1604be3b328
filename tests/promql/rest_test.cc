// The HTTP API beside a real Prometheus 2.42 over the same samples: the same requests, good and
// bad, the same statuses, headers and JSON.
#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "collector/api/api_server.h"
#include "tests/promql/memory_queryable.h"
#include "tests/promql/prometheus_server.h"

namespace leadline::collector::promqltest {
namespace {

namespace json = boost::json;

constexpr int64_t kBaseMs = 1'700'000'000'000;

// How alike the answers are to be.
enum class Alike {
  kSame,    // the same JSON
  kError,   // the same status and type of error; the words are ours
  kFields,  // an object with at least one field of theirs, and each of those of the same type
  kStatus,  // the same status and type of content
};

struct Request {
  std::string target;
  Alike alike = Alike::kSame;
  std::string form = {};  // posted, where there is one
  std::string method = {};
};

class RestTest : public testing::Test {
 protected:
  void SetUp() override {
    std::vector<store::SeriesBlock> blocks;
    for (const auto& [pod, first] : {std::pair{"a", 1.0}, std::pair{"b \"quoted\" ünï\n", 0.1}}) {
      store::SeriesBlock block;
      block.labels = std::make_shared<const LabelSet>(
          LabelSet({{"__name__", "up_total"}, {"job", "x"}, {"pod", pod}}));
      for (int i = 0; i < 10; ++i) {
        block.ts_ms.push_back(kBaseMs + i * 10'000 + 3);
        block.values.push_back((1000 + first * (i + 1)) * (i == 5 ? 1e25 : 1) / (i == 7 ? 0 : 1));
      }
      blocks.push_back(std::move(block));
    }
    auto prometheus = PrometheusServer::Start(LEADLINE_PROMETHEUS);
    ASSERT_TRUE(prometheus.ok()) << prometheus.status();
    prometheus_ = *std::move(prometheus);
    const absl::Status written = prometheus_->Write(blocks);
    ASSERT_TRUE(written.ok()) << written;
    for (store::SeriesBlock& block : blocks) queryable_.Add(std::move(block));
    api::ApiOptions options;
    options.address = "127.0.0.1:0";
    auto server = api::ApiServer::Start(queryable_, options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    ours_ = std::make_unique<HttpClient>(server_->port());
    theirs_ = std::make_unique<HttpClient>(prometheus_->port());
  }

  static HttpAnswer Ask(HttpClient& client, const Request& request,
                        std::vector<std::string> headers = {}) {
    const bool posts = !request.form.empty();
    if (posts) headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
    const std::string method = !request.method.empty() ? request.method : (posts ? "POST" : "GET");
    const auto answer = client.Send(method, request.target, headers, request.form);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(HttpAnswer{});
  }

  MemoryQueryable queryable_;
  std::unique_ptr<PrometheusServer> prometheus_;
  std::unique_ptr<api::ApiServer> server_;
  std::unique_ptr<HttpClient> ours_;
  std::unique_ptr<HttpClient> theirs_;
};

// "" where there is none; in lower case.
std::string HeaderOf(const HttpAnswer& answer, const std::string& name) {
  std::string lower = answer.headers;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const std::string start = "\r\n" + name + ": ";
  const size_t at = lower.find(start);
  if (at == std::string::npos) return "";
  return lower.substr(at + start.size(), lower.find("\r\n", at + 2) - at - start.size());
}

void ExpectAlike(const Request& request, const HttpAnswer& ours, const HttpAnswer& theirs) {
  const std::string what =
      fmt::format("{} {}\nours:   {}\ntheirs: {}", request.target, request.form,
                  ours.body.substr(0, 1000), theirs.body.substr(0, 1000));
  EXPECT_EQ(ours.status, theirs.status) << what;
  EXPECT_EQ(HeaderOf(ours, "content-type"), HeaderOf(theirs, "content-type")) << what;
  EXPECT_EQ(HeaderOf(ours, "date").empty(), HeaderOf(theirs, "date").empty()) << what;
  if (request.alike == Alike::kStatus || ours.status != theirs.status) return;
  const json::value own = json::parse(ours.body);
  const json::value wanted = json::parse(theirs.body);
  if (request.alike == Alike::kSame) {
    EXPECT_EQ(own, wanted) << what;
    return;
  }
  EXPECT_EQ(own.at("status"), wanted.at("status")) << what;
  if (request.alike == Alike::kError) {
    EXPECT_EQ(own.at("errorType"), wanted.at("errorType")) << what;
    return;
  }
  int common = 0;
  for (const auto& [key, value] : wanted.at("data").as_object()) {
    const auto* const field = own.at("data").as_object().if_contains(key);
    if (field == nullptr) continue;
    ++common;
    EXPECT_EQ(field->kind(), value.kind()) << key << "\n" << what;
  }
  EXPECT_GT(common, 0) << what;
}

TEST_F(RestTest, AnswersAsPrometheus) {
  const std::string query = "/api/v1/query?query=";
  const std::string range = "/api/v1/query_range?query=";
  const Request requests[] = {
      {query + "up_total&time=1700000030"},
      {query + "up_total&time=1700000050.003"},
      {query + "up_total&time=2023-11-14T22:13:50Z"},
      {query + "up_total&time=2023-11-14T23:13:50.5%2B01:00"},
      {query + "up_total%5B30s%5D&time=1700000090"},
      {query + "up_total/0&time=1700000030"},
      {query + "-up_total/0&time=1700000030"},
      {query + "sum(up_total)&time=1700000030&timeout=5s"},
      {query + "1e-7&time=0.001"},
      {query + "1/3&time=-1.5"},
      {query + "1&time=1.0025"},
      {query + "123456789012345678901&time=1"},
      {query + "1e21&time=1"},
      {query + "'a%0A%5C'b%22%01'&time=1", Alike::kError},
      {query + "%22a%5Cn%5Ct%5C%5Cb%C3%A9%3C%22&time=1"},
      {query + "nosuch&time=1"},
      {query + "", Alike::kError},
      {query + "up_total&time="},
      {"/api/v1/query", Alike::kSame, "query=up_total&time=1700000030"},
      {"/api/v1/query?time=1700000030", Alike::kSame, "query=up_total"},
      {range + "up_total&start=1700000000&end=1700000090&step=15"},
      {range + "up_total&start=1700000000&end=1700000090&step=15s"},
      {range + "up_total&start=1700000000&end=1700000000&step=1m"},
      {range + "rate(up_total%5B1m%5D)&start=1700000020&end=1700000061.7&step=7.5"},
      {range + "1&start=1&end=2&step=0.25"},
      {"/api/v1/query_range", Alike::kSame,
       "query=sum(up_total)&start=1700000020&end=1700000030&step=5"},
      {range + "up_total%5B1m%5D&start=1&end=2&step=1", Alike::kError},
      {range + "'x'&start=1&end=2&step=1", Alike::kError},
      {range + "1&start=1&end=2&step=0"},
      {range + "1&start=1&end=2&step=-1s"},
      {range + "1&start=1&end=2&step=x"},
      {range + "1&start=1&end=2"},
      {range + "1&start=2&end=1&step=1"},
      {range + "1&end=1&step=1"},
      {range + "1&start=x&end=1&step=1"},
      {range + "1&start=0&end=11001&step=1"},
      {range + "1&start=0&end=1&step=1&timeout=x"},
      {range + "1&start=0&end=1&step=1&timeout=0s", Alike::kError},
      {query + "1&time=x"},
      {query + "1&timeout=x"},
      {query + "(", Alike::kError},
      {query + "sum(up_total", Alike::kError},
      {query + "up_total%5B5m%5D%2B1", Alike::kError},
      {query + "nosuch(up_total)", Alike::kError},
      {query + "rate(up_total)", Alike::kError},
      {query + "%7B%7D", Alike::kError},
      {query + "%7Ba=~%22(%22%7D", Alike::kError},
      {query + "up_total%2Bon(job)up_total&time=1700000030", Alike::kError},
      {query + "label_replace(up_total,%22pod%22,%22%22,%22%22,%22%22)&time=1700000030",
       Alike::kError},
      {query + "label_replace(up_total,%22a%22,%22%22,%22pod%22,%22(%22)&time=1700000030",
       Alike::kError},
      {"/api/v1/labels"},
      {"/api/v1/labels?match%5B%5D=up_total"},
      {"/api/v1/labels?match%5B%5D=nosuch"},
      {"/api/v1/labels?match%5B%5D=(", Alike::kError},
      {"/api/v1/labels?match%5B%5D=%7B%7D", Alike::kError},
      {"/api/v1/labels?start=x"},
      {"/api/v1/labels", Alike::kSame, "match%5B%5D=up_total"},
      {"/api/v1/label/pod/values"},
      {"/api/v1/label/pod/values?match%5B%5D=up_total%7Bpod=%22a%22%7D"},
      {"/api/v1/label/pod/values?start=1700000000&end=1700000100"},
      {"/api/v1/label/pod/values?end=x"},
      {"/api/v1/label/nosuch/values"},
      {"/api/v1/label/__name__/values"},
      {"/api/v1/series?match%5B%5D=up_total"},
      {"/api/v1/series?match%5B%5D=up_total&match%5B%5D=nosuch&start=1700000000&end=1700000100"},
      {"/api/v1/series?match%5B%5D=nosuch"},
      {"/api/v1/series"},
      {"/api/v1/series?match%5B%5D=%7B%7D", Alike::kError},
      {"/api/v1/series", Alike::kSame, "match%5B%5D=up_total"},
      {"/api/v1/metadata?metric=nosuch"},
      {"/api/v1/metadata?limit=x", Alike::kError},
      {"/api/v1/rules"},
      {"/api/v1/rules?type=record"},
      {"/api/v1/alerts"},
      {"/api/v1/query_exemplars?query=up_total&start=1700000000&end=1700000100"},
      {"/api/v1/query_exemplars", Alike::kSame, "query=up_total&start=1700000000&end=1700000100"},
      {"/api/v1/query_exemplars?query=(&start=1&end=2", Alike::kError},
      {"/api/v1/query_exemplars?query=up_total&start=2&end=1"},
      {"/api/v1/query_exemplars?query=up_total&start=x", Alike::kError},
      {"/api/v1/status/buildinfo", Alike::kFields},
      {"/api/v1/status/runtimeinfo", Alike::kFields},
      {"/api/v1/status/tsdb", Alike::kFields},
      {"/api/v1/status/flags", Alike::kStatus},
      {"/api/v1/status/config", Alike::kFields},
      {"/api/v1/targets?state=active", Alike::kFields},
      {"/api/v1/targets/metadata"},
      {"/api/v1/scrape_pools"},
      {"/api/v1/alertmanagers"},
      {"/api/v1/format_query?query=sum(x)by(y)"},
      {"/api/v1/format_query?query=", Alike::kError},
      {"/api/v1/format_query", Alike::kError, "query=x%2By%5B5m:%5D", "GET"},
      {"/api/v1/nosuch", Alike::kStatus},
      {"/nosuch", Alike::kStatus},
      {"/api/v1/query", Alike::kStatus, "", "DELETE"},
      {"/api/v1/query", Alike::kStatus, "", "OPTIONS"},
      {"/-/healthy", Alike::kStatus},
      {"/-/ready", Alike::kStatus},
  };
  for (const Request& request : requests) {
    ExpectAlike(request, Ask(*ours_, request), Ask(*theirs_, request));
  }
}

// A line of grafana_requests.txt: how alike, method, target, form.
Request ParseRequest(const std::string& line) {
  static const std::map<std::string, Alike> kinds = {{"same", Alike::kSame},
                                                     {"error", Alike::kError},
                                                     {"fields", Alike::kFields},
                                                     {"status", Alike::kStatus}};
  std::istringstream words(line);
  std::string alike;
  Request request;
  words >> alike >> request.method >> request.target >> request.form;
  request.alike = kinds.at(alike);
  return request;
}

TEST_F(RestTest, AnswersGrafana) {
  std::ifstream file(LEADLINE_SOURCE_DIR "/tests/promql/grafana_requests.txt");
  const std::vector<std::string> headers = {"User-Agent: Grafana/13.2.3"};
  int requests = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    const Request request = ParseRequest(line);
    ExpectAlike(request, Ask(*ours_, request, headers), Ask(*theirs_, request, headers));
    ++requests;
  }
  EXPECT_GT(requests, 30);
}

TEST_F(RestTest, AllowsWebPagesTheSame) {
  const std::vector<std::string> headers = {"Origin: https://grafana.example"};
  for (const Request& request :
       {Request{"/api/v1/labels"}, Request{"/api/v1/query", Alike::kStatus, "", "OPTIONS"}}) {
    const HttpAnswer ours = Ask(*ours_, request, headers);
    const HttpAnswer theirs = Ask(*theirs_, request, headers);
    for (const char* name :
         {"access-control-allow-origin", "access-control-allow-methods",
          "access-control-allow-headers", "access-control-expose-headers", "vary"}) {
      EXPECT_EQ(HeaderOf(ours, name), HeaderOf(theirs, name)) << request.method << name;
      EXPECT_NE(HeaderOf(ours, name), "") << name;
    }
  }
}

TEST_F(RestTest, RefusesTheSameQueriesInTheSameWords) {
  const std::string queries[] = {
      "# nothing else",
      "x +",
      "/ x",
      "x / / y",
      "x > > y",
      "x == = y",
      "x <> y",
      "2 and x",
      "x unless 2",
      "2 <= 3",
      "x + bool y",
      "x * on(a) 2",
      "x == ignoring(a) 2",
      "x or on(a) group_left y",
      "x * on(a, b) group_right(c, b) y",
      "x * group_right(a) y",
      "x - on(a) ignoring(b) y",
      "x + on a y",
      "x + on (1) y",
      "bool",
      "x bool y",
      "-'text'",
      "-x[1m]",
      "x + 'text'",
      "x[1m] + 1",
      "x{a=}",
      "x{a}",
      "x{a='1' b='2'}",
      "x{,a='1'}",
      "x{a='1',,b='2'}",
      "x{__name__='y'}",
      "{}",
      "{a='', b!='c'}",
      "{a=~'.*'}",
      "x offset 1m offset 1h",
      "x @ 1 @ 2",
      "2 offset 1m",
      "sum(x) @ 1",
      "x @",
      "x @ y",
      "sum x",
      "sum()",
      "sum(2)",
      "sum(x, y)",
      "sum by (a) (x) by (b)",
      "sum by a (x)",
      "topk(x)",
      "topk('2', x)",
      "topk(x, y)",
      "count_values(2, x)",
      "nosuch(x)",
      "ABS(x)",
      "abs()",
      "abs(x, y)",
      "abs(2)",
      "rate(x)",
      "rate(sum(x))",
      "round(x, 1, 2)",
      "round(x, y)",
      "time(x)",
      "label_join(x, 'a')",
      "label_replace(x, 'a', 'b', 'c', 2)",
      "2[5m:]",
      "'text'[5m:1m]",
      "x y",
      "x 2",
      "2 3",
      "x by (a)",
      "'text",
      "`text",
      ".",
      "x ^",
      "x & y",
      "x ; y",
      "\xc3\xa9",
  };
  for (const std::string& query : queries) {
    const Request request{"/api/v1/query?query=" + ours_->Encode(query)};
    const HttpAnswer theirs = Ask(*theirs_, request);
    EXPECT_EQ(theirs.status, 400) << query;
    ExpectAlike(request, Ask(*ours_, request), theirs);
  }
}

TEST_F(RestTest, FormatsQueriesTheSame) {
  const std::string a(40, 'a');
  const std::string queries[] = {
      "sum(a)by(b)",
      "sum without() (a)",
      "topk(3,a)by(b)",
      "count_values('x', a)",
      "1000000",
      "1e21",
      "123456789.5",
      "0.00001",
      "0.0001",
      "999999",
      "- 1",
      "+5",
      "-(5)",
      "--5",
      "-a^2",
      "NaN",
      "-Inf",
      "0x1F",
      "a offset 36h",
      "a offset 90s",
      "a offset 1d",
      "a[2w3d]",
      "a[1y]",
      "a[400d]",
      "a[1h30m500ms]",
      "a @ 1.5 offset -5m",
      "a @ -1",
      "a[5m:1m] offset 2m @ start()",
      "a[5m:]",
      "a[5m] @ end() offset 1w",
      "x{b=\"1\",a=~\"q\\n\\t\\x01é\"}",
      "{a!=\"\",b!~\"x\"}",
      "'it\"s'",
      "a > bool b",
      "a * on() b",
      "a * on(x) group_left(z,y) b",
      "a and ignoring(x) b or c unless on(d) e",
      "time()",
      "absent(nosuch{a=\"1\"})",
      "((a))",
      "-(a)",
      "label_replace(a, 'x', '$1', 'y', '(.*)')",
      "sum(" + a + ") / " + a + " + " + a,
      "sum by (x) (rate(" + a + "{x=\"" + a + "\"}[5m])) > on (x) group_left () max by (x) (" + a +
          ")",
      "label_replace(-(sum by (x) (" + a + " + " + a + " + " + a + ")), 'a', 'b', 'c', 'd')",
      "max_over_time((sum(" + a + ") + sum(" + a + ") + sum(" + a + "))[5m:1m] offset 1m)",
      "topk(3, -sum by (" + a + ") (" + a + " * " + a + "))",
      "quantile_over_time(0.5, (" + a + " + " + a + " + " + a + ")[5m:])",
      "sum_over_time(rate(" + a + "{x=\"" + a +
          "\"}[5m] offset 10m)[1h:5m] @ 1700000000 offset 3m)",
  };
  for (const std::string& query : queries) {
    const Request request{"/api/v1/format_query?query=" + ours_->Encode(query)};
    ExpectAlike(request, Ask(*ours_, request), Ask(*theirs_, request));
  }
}

}  // namespace
}  // namespace leadline::collector::promqltest
