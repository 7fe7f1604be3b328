// The OpenAPI document against the running server: every operation that it names is asked, and each
// answer is what its schema says.
#include "collector/api/openapi.h"

#include <map>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include "collector/api/api_server.h"
#include "collector/api/schemas.h"
#include "collector/store/record/exemplars.h"
#include "tests/promql/memory_queryable.h"
#include "tests/unit/collector/api/http_send.h"
#include "tests/unit/collector/api/json_schema.h"

namespace leadline::collector::api {
namespace {

namespace json = boost::json;

struct Ask {
  std::string path;
  std::string parameters;  // in the query, or in a POST's form
  int status = 200;
};

// What to ask of each operation: at least one that is answered and, where something can be wrong
// with it, one that is not.
const std::map<std::string, std::vector<Ask>>& Asks() {
  static const std::map<std::string, std::vector<Ask>> asks = [] {
    std::map<std::string, std::vector<Ask>> all;
    const std::vector<Ask> query = {{"/api/v1/query", "query=up_total"},
                                    {"/api/v1/query", "query=h_seconds&time=1"},
                                    {"/api/v1/query", "query=up_total[1m]"},
                                    {"/api/v1/query", "query=h_seconds[1m]&time=1"},
                                    {"/api/v1/query", "query=1/0"},
                                    {"/api/v1/query", "query='x'"},
                                    {"/api/v1/query", "query=up_total&limit=1"},
                                    {"/api/v1/query", "query='x'&stats=all"},
                                    {"/api/v1/query", "query=up_total[1m]&stats=1"},
                                    {"/api/v1/query", "query=rate(h_gauge[1m])"},
                                    {"/api/v1/query", "query=sum(", 400},
                                    {"/api/v1/query", "query=1&time=x", 400},
                                    {"/api/v1/query", "query={a!='b',__name__=~'.%2B'}%2B1", 422},
                                    {"/api/v1/query", "query=up_total&timeout=0", 503}};
    const std::vector<Ask> range = {
        {"/api/v1/query_range", "query=up_total&start=0&end=30&step=10"},
        {"/api/v1/query_range", "query=h_seconds&start=0&end=30&step=10s&stats=all"},
        {"/api/v1/query_range", "query=1&start=0&end=30", 400}};
    const std::vector<Ask> labels = {{"/api/v1/labels", ""},
                                     {"/api/v1/labels", "limit=1"},
                                     {"/api/v1/labels", "match[]=(", 400}};
    const std::vector<Ask> series = {{"/api/v1/series", "match[]=up_total&match[]=h_seconds"},
                                     {"/api/v1/series", "", 400}};
    const std::vector<Ask> format = {{"/api/v1/format_query", "query=sum(x)by(a)"},
                                     {"/api/v1/format_query", "query=", 400}};
    const std::vector<Ask> parse = {{"/api/v1/parse_query", "query=-sum(rate(x[5m])/(2)>1)by(a)"},
                                    {"/api/v1/parse_query", "query=(", 400}};
    const std::vector<Ask> exemplars = {
        {"/api/v1/query_exemplars", "query=up_total&start=0&end=30"},
        {"/api/v1/query_exemplars", "query=up_total&limit=1"},
        {"/api/v1/query_exemplars", "query=(&start=0&end=30", 400},
        {"/api/v1/query_exemplars", "query=up_total&start=2&end=1", 400}};
    const std::vector<Ask> explain = {
        {"/api/v2/explain", "query=sum(rate(up_total[1m]))/2"},
        {"/api/v2/explain", "query=topk(1,up_total@20)&start=0&end=30&step=10"},
        {"/api/v2/explain", "query=1&start=0&end=30", 400}};
    for (const std::string method : {"get ", "post "}) {
      all[method + "/api/v2/explain"] = explain;
      all[method + "/api/v1/query"] = query;
      all[method + "/api/v1/query_range"] = range;
      all[method + "/api/v1/labels"] = labels;
      all[method + "/api/v1/series"] = series;
      all[method + "/api/v1/format_query"] = format;
      all[method + "/api/v1/parse_query"] = parse;
      all[method + "/api/v1/query_exemplars"] = exemplars;
    }
    all["get /api/v1/label/{name}/values"] = {{"/api/v1/label/pod/values", ""},
                                              {"/api/v1/label/%FF/values", "", 400}};
    all["get /api/v2/queries/active"] = {{"/api/v2/queries/active", ""}};
    all["get /api/v1/metadata"] = {{"/api/v1/metadata", ""},
                                   {"/api/v1/metadata", "limit=2"},
                                   {"/api/v1/metadata", "metric=nosuch"},
                                   {"/api/v1/metadata", "limit=x", 400}};
    for (const std::string status : {"buildinfo", "runtimeinfo", "flags", "config"}) {
      all["get /api/v1/status/" + status] = {{"/api/v1/status/" + status, ""}};
    }
    all["get /api/v1/status/tsdb"] = {{"/api/v1/status/tsdb", ""},
                                      {"/api/v1/status/tsdb", "limit=-1", 400}};
    all["get /api/v1/rules"] = {{"/api/v1/rules", ""},
                                {"/api/v1/rules", "type=alert"},
                                {"/api/v1/rules", "type=record&rule_name[]=r&file[]=f"},
                                {"/api/v1/rules", "rule_group[]=none"},
                                {"/api/v1/rules", "match[]={a='b'}&group_limit=1"},
                                {"/api/v1/rules", "group_limit=0", 400},
                                {"/api/v1/rules", "type=x", 400}};
    all["post /-/reload"] = {{"/-/reload", ""}};
    all["put /-/reload"] = {{"/-/reload", ""}};
    for (const std::string absent :
         {"targets", "targets/metadata", "scrape_pools", "alertmanagers"}) {
      all["get /api/v1/" + absent] = {{"/api/v1/" + absent, ""}};
    }
    all["get /api/v1/alerts"] = {{"/api/v1/alerts", ""}};
    all["get /api/v2/entities"] = {{"/api/v2/entities", ""},
                                   {"/api/v2/entities", "time=1&kind=pod"},
                                   {"/api/v2/entities", "time=x", 400}};
    const std::string versions = "/api/v2/entities/00000000000000010000000000000002/versions";
    all["get /api/v2/entities/{id}/versions"] = {
        {versions, ""},
        {versions, "start=1&end=2"},
        {versions, "start=x", 400},
        {"/api/v2/entities/00000000000000010000000000000x02/versions", "", 400}};
    all["get /api/v2/status/gaps"] = {{"/api/v2/status/gaps", ""}};
    all["post /api/v2/admin/flush"] = {{"/api/v2/admin/flush", ""}};
    for (const std::string path : {"/livez", "/readyz", "/healthz", "/metrics", "/-/healthy",
                                   "/-/ready", "/api/v2/openapi.json", "/"}) {
      all["get " + path] = {{path, ""}};
    }
    all["get /readyz"].push_back({"/readyz", "verbose"});
    return all;
  }();
  return asks;
}

std::string Capital(std::string method) {
  for (char& c : method) c = static_cast<char>(c - 'a' + 'A');
  return method;
}

// A recording rule that failed and an alerting one.
rules::GroupStatus TwoRules() {
  rules::GroupStatus group{.file = "f", .name = "g", .interval = absl::Seconds(15)};
  group.rules.push_back({.rule = {.name = "r", .expr = "up", .labels = {{"a", "b"}}},
                         .query = "up",
                         .labels = LabelSet({{"a", "b"}}),
                         .health = rules::RuleStatus::Health::kError,
                         .last_error = "no",
                         .evaluation_time = absl::Milliseconds(1),
                         .last_evaluation_ms = 20'000});
  group.rules.push_back(
      {.rule = {.kind = rules::Rule::Kind::kAlerting, .name = "A"}, .query = "up"});
  return group;
}

class OpenApiTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* pod : {"a", "b"}) {
      store::SeriesBlock counter;
      counter.labels =
          std::make_shared<const LabelSet>(LabelSet({{"__name__", "up_total"}, {"pod", pod}}));
      counter.ts_ms = {0, 10'000, 20'000, 30'000};
      counter.values = {0, 1, 2.5, 1e30};
      queryable_.Add(std::move(counter));
      store::SeriesBlock other;
      other.labels =
          std::make_shared<const LabelSet>(LabelSet({{"__name__", "h_gauge"}, {"pod", pod}}));
      other.ts_ms = {0, 10'000, 20'000, 30'000};
      other.values = {0, 1, -2.5, 3};
      queryable_.Add(std::move(other));
    }
    store::SeriesBlock histogram;
    histogram.labels = std::make_shared<const LabelSet>(LabelSet({{"__name__", "h_seconds"}}));
    histogram.histogram_ts_ms = {0};
    histogram.histograms.push_back({.schema = 0,
                                    .zero_threshold = 0.001,
                                    .zero_count = 1,
                                    .count = 7,
                                    .sum = 12.5,
                                    .positive = {{0, 2}, {2, 3}},
                                    .negative = {{1, 1}}});
    queryable_.Add(std::move(histogram));
    for (const char* pod : {"a", "b"}) {
      queryable_.AddRecord(store::record::OfExemplar(
          store::record::ExemplarSeriesId(
              {.metric = "up_total", .residual = LabelSet({{"pod", pod}})}),
          {LabelSet({{"trace_id", "5b8efff7"}}), 0.5, 10'000}));
    }
    ApiOptions options;
    options.address = "127.0.0.1:0";
    options.clock = &clock_;
    options.flush = [] { return absl::OkStatus(); };
    options.reload = [] { return absl::OkStatus(); };
    options.rule_groups = [] { return std::vector<rules::GroupStatus>{TwoRules()}; };
    options.flags = {{"retention", "30d"}};
    auto server = ApiServer::Start(queryable_, options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    document_ = json::parse(Get("/api/v2/openapi.json").body);
  }

  Reply Get(const std::string& target) {
    return Send(server_->port(),
                "GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }

  Reply SendAsk(const std::string& method, const Ask& ask) {
    if (method == "get") {
      return Get(ask.path + (ask.parameters.empty() ? "" : "?") + ask.parameters);
    }
    return Send(server_->port(), Capital(method) + " " + ask.path +
                                     " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                     "Content-Type: application/x-www-form-urlencoded\r\n"
                                     "Content-Length: " +
                                     std::to_string(ask.parameters.size()) + "\r\n\r\n" +
                                     ask.parameters);
  }

  void Check(const json::value& operation, const Ask& ask, const Reply& reply) {
    EXPECT_EQ(reply.status, ask.status) << reply.body;
    const json::object& answers = operation.at("responses").as_object();
    const json::value& answer = answers.at(reply.status == 200 ? "200" : "default");
    const json::object& content = answer.at("content").as_object();
    const std::string type = reply.Header("Content-Type");
    const auto* const described = content.if_contains(type.substr(0, type.find(';')));
    ASSERT_NE(described, nullptr) << type;
    const json::value& schema = described->at("schema");
    const json::value value = type == "application/json" ? json::parse(reply.body)
                                                         : json::value(json::string(reply.body));
    EXPECT_EQ(WhyInvalid(value, schema, document_), "") << reply.body.substr(0, 1000);
  }

  ManualClock clock_{30'000};
  promqltest::MemoryQueryable queryable_;
  std::unique_ptr<ApiServer> server_;
  json::value document_;
};

TEST_F(OpenApiTest, EveryOperationAnswersAsItsSchemaSays) {
  size_t operations = 0;
  for (const auto& [path, item] : document_.at("paths").as_object()) {
    for (const auto& [method, operation] : item.as_object()) {
      ++operations;
      const std::string name =
          std::string(method.data(), method.size()) + " " + std::string(path.data(), path.size());
      SCOPED_TRACE(name);
      EXPECT_FALSE(operation.at("summary").as_string().empty());
      const auto asks = Asks().find(name);
      if (asks == Asks().end()) {
        ADD_FAILURE() << "nothing here asks it";
        continue;
      }
      for (const Ask& ask : asks->second) {
        SCOPED_TRACE(ask.path + " " + ask.parameters);
        Check(operation, ask, SendAsk(std::string(method.data(), method.size()), ask));
      }
    }
  }
  EXPECT_EQ(operations, Asks().size());
}

// Those of the server itself, before a handler has the request.
TEST_F(OpenApiTest, OtherAnswersAreDescribedToo) {
  const Reply reply = Send(server_->port(),
                           "POST /api/v1/query HTTP/1.1\r\nHost: x\r\n"
                           "Content-Length: 100000000\r\n\r\n");
  const json::value& operation = document_.at_pointer("/paths/~1api~1v1~1query/post");
  Check(operation, {.path = "/api/v1/query", .parameters = "", .status = 413}, reply);
}

// Required parameters are: without one the server refuses.
TEST_F(OpenApiTest, RequiredParametersAreRequired) {
  int required = 0;
  for (const auto& [path, item] : document_.at("paths").as_object()) {
    const auto* const get = item.as_object().if_contains("get");
    if (get == nullptr) continue;
    for (const json::value& parameter : get->at("parameters").as_array()) {
      const auto* const is_required = parameter.as_object().if_contains("required");
      if (is_required == nullptr || parameter.at("in").as_string() == "path") continue;
      ++required;
      std::string target(path.data(), path.size());
      for (const json::value& other : get->at("parameters").as_array()) {
        const std::string name = json::value_to<std::string>(other.at("name"));
        if (&other == &parameter || !other.as_object().contains("required")) continue;
        target += (target.find('?') == std::string::npos ? "?" : "&") + name + "=1";
      }
      EXPECT_EQ(Get(target).status, 400) << target;
    }
  }
  EXPECT_GE(required, 6);
}

TEST(OpenApi, RoutesNameSchemasThatThereAre) {
  http::Router router;
  router.Add({.method = "GET", .pattern = "/a/{b}/{c}", .about = {"A.", {}, "Nothing"}});
  const json::value document = json::parse(OpenApiDocument(router.routes()));
  const json::array& parameters =
      document.at_pointer("/paths/~1a~1{b}~1{c}/get/parameters").as_array();
  ASSERT_EQ(parameters.size(), 2);
  EXPECT_EQ(parameters[1].at("name").as_string(), "c");
  EXPECT_EQ(FindSchema("nosuch"), nullptr);
}

// The checker itself: a test that it passes would not be worth much if it could not fail.
TEST(JsonSchema, SaysWhatIsWrong) {
  const json::value document = json::parse(
      R"({"a":{"type":"object","required":["x"],"additionalProperties":false,
          "properties":{"x":{"type":"array","minItems":2,"prefixItems":[{"type":"number"},{"enum":["a"]}]},
                        "y":{"oneOf":[{"const":1},{"const":1}]}}}})");
  const std::pair<const char*, const char*> cases[] = {
      {R"([])", "$ is no object"},
      {R"({})", "$ lacks x"},
      {R"({"x":[1,"a"],"z":1})", "$.z is not in the schema"},
      {R"({"x":[1]})", "$.x is too short"},
      {R"({"x":[1,"b"]})", "$.x[1] is none of [\"a\"]"},
      {R"({"x":[1,"a"],"y":1})", "$.y matches 2 of oneOf: ; ; "},
      {R"({"x":[1,"a"]})", ""}};
  for (const auto& [value, why] : cases) {
    EXPECT_EQ(WhyInvalid(json::parse(value), document.at("a"), document), why) << value;
  }
}

}  // namespace
}  // namespace leadline::collector::api
