#include <gtest/gtest.h>

#include "collector/api/api_server.h"
#include "http_send.h"
#include "tests/promql/memory_queryable.h"

namespace leadline::collector::api {
namespace {

using rules::GroupStatus;
using rules::Rule;
using rules::RuleStatus;

constexpr char kRecording[] =
    R"({"name":"r","query":"-up","labels":{"by":"rule"},"health":"ok","evaluationTime":0.25,)"
    R"("lastEvaluation":"2023-11-15T00:00:00.000Z","type":"recording"})";
constexpr char kFailed[] =
    R"({"name":"s","query":"up","labels":{},"health":"err","lastError":"it \"failed\"",)"
    R"("evaluationTime":0,"lastEvaluation":"2023-11-15T00:00:00.000Z","type":"recording"})";
constexpr char kAlerting[] =
    R"({"state":"inactive","name":"Down","query":"up == 0","duration":300,"keepFiringFor":0,)"
    R"("labels":{},"annotations":{"summary":"down"},"alerts":[],"health":"unknown",)"
    R"("lastError":"not evaluated","evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z",)"
    R"("type":"alerting"})";

std::vector<GroupStatus> Groups() {
  constexpr int64_t kTime = 1'700'006'400'000;
  GroupStatus one{.file = "a.yaml",
                  .name = "one",
                  .interval = absl::Seconds(30),
                  .limit = 7,
                  .evaluation_time = absl::Milliseconds(500),
                  .last_evaluation_ms = kTime};
  one.rules.push_back({.rule = {.name = "r", .expr = "- up", .labels = {{"by", "rule"}}},
                       .query = "-up",
                       .labels = LabelSet({{"by", "rule"}}),
                       .health = RuleStatus::Health::kOk,
                       .evaluation_time = absl::Milliseconds(250),
                       .last_evaluation_ms = kTime});
  one.rules.push_back({.rule = {.kind = Rule::Kind::kAlerting,
                                .name = "Down",
                                .hold = absl::Minutes(5),
                                .annotations = LabelSet({{"summary", "down"}})},
                       .query = "up == 0",
                       .last_error = "not evaluated"});
  GroupStatus two{.file = "b.yaml", .name = "two", .interval = absl::Minutes(1)};
  two.rules.push_back({.rule = {.name = "s", .expr = "up"},
                       .query = "up",
                       .health = RuleStatus::Health::kError,
                       .last_error = "it \"failed\"",
                       .last_evaluation_ms = kTime});
  return {one, two};
}

std::string GroupOne(const std::string& rules) {
  return R"({"name":"one","file":"a.yaml","rules":[)" + rules +
         R"(],"interval":30,"limit":7,"evaluationTime":0.5,)"
         R"("lastEvaluation":"2023-11-15T00:00:00.000Z"})";
}

std::string GroupTwo() {
  return std::string(R"({"name":"two","file":"b.yaml","rules":[)") + kFailed +
         R"(],"interval":60,"limit":0,"evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z"})";
}

class RulesApiTest : public testing::Test {
 protected:
  void Start(ApiOptions options) {
    options.address = "127.0.0.1:0";
    auto server = ApiServer::Start(queryable_, std::move(options));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  Reply Ask(const std::string& method, const std::string& target) {
    return Send(server_->port(), method + " " + target +
                                     " HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
                                     "Connection: close\r\n\r\n");
  }

  promqltest::MemoryQueryable queryable_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(RulesApiTest, TellsEveryRuleAsPrometheusDoes) {
  Start({.rule_groups = Groups});
  const std::string both = std::string(kRecording) + "," + kAlerting;
  const std::pair<std::string, std::string> cases[] = {
      {"", GroupOne(both) + "," + GroupTwo()},
      {"?type=record", GroupOne(kRecording) + "," + GroupTwo()},
      {"?type=alert", GroupOne(kAlerting)},
      {"?rule_name[]=s&rule_name[]=r", GroupOne(kRecording) + "," + GroupTwo()},
      {"?rule_group[]=two", GroupTwo()},
      {"?file[]=a.yaml", GroupOne(both)},
      {"?file[]=c.yaml", ""},
      {"?match[]={by=~%22r.*%22}", GroupOne(kRecording)},
      {"?match[]={by=%22rule%22,by!~%22r.*%22}&match[]={by=%22x%22}", ""},
      {"?match[]={by=~%22r.%2B%22,x!=%22y%22,z=~%22%7Ca%22,u!~%22.%2B%22}&exclude_alerts=true",
       GroupOne(kRecording)},
      {"?group_limit=2", GroupOne(both) + "," + GroupTwo()},
      {"?group_limit=1&type=alert", GroupOne(kAlerting)},
  };
  for (const auto& [parameters, groups] : cases) {
    const Reply reply = Ask("GET", "/api/v1/rules" + parameters);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, R"({"status":"success","data":{"groups":[)" + groups + "]}}")
        << parameters;
  }
}

TEST_F(RulesApiTest, GivesGroupsPageByPage) {
  Start({.rule_groups = Groups});
  const std::string both = std::string(kRecording) + "," + kAlerting;
  const std::string token = "622e79616d6c3b74776f";  // b.yaml;two
  EXPECT_EQ(Ask("GET", "/api/v1/rules?group_limit=1").body,
            R"({"status":"success","data":{"groups":[)" + GroupOne(both) +
                R"(],"groupNextToken":")" + token + R"("}})");
  EXPECT_EQ(Ask("GET", "/api/v1/rules?group_limit=1&group_next_token=" + token).body,
            R"({"status":"success","data":{"groups":[)" + GroupTwo() + "]}}");
}

TEST_F(RulesApiTest, RefusesInPrometheusWords) {
  Start({.rule_groups = Groups});
  const std::pair<std::string, std::string> cases[] = {
      {"type=x", R"(\"type\": not supported value \"x\")"},
      {"match[]=(", R"(\"match[]\": 1:)"},
      {"exclude_alerts=yes", R"(\"exclude_alerts\": neither true nor false: \"yes\")"},
      {"group_limit=0", R"(\"group_limit\": group_limit needs to be greater than 0)"},
      {"group_limit=-1", R"(\"group_limit\": group_limit must be non-negative)"},
      {"group_limit=x", R"(\"group_limit\": cannot parse \"x\" to a number)"},
      {"group_next_token=00", R"(\"group_next_token\": group_limit needs to be present)"},
      {"group_limit=1&group_next_token=00",
       R"(\"group_next_token\": invalid group_next_token '00'. were rule groups changed?)"},
  };
  for (const auto& [parameters, text] : cases) {
    const Reply reply = Ask("GET", "/api/v1/rules?" + parameters);
    EXPECT_EQ(reply.status, 400) << parameters;
    EXPECT_EQ(reply.body.find(R"({"status":"error","errorType":"bad_data","error":"invalid )"), 0u)
        << reply.body;
    EXPECT_NE(reply.body.find(text), std::string::npos) << reply.body;
  }
}

TEST_F(RulesApiTest, HasNoGroupsWithoutRules) {
  Start({});
  EXPECT_EQ(Ask("GET", "/api/v1/rules").body, R"({"status":"success","data":{"groups":[]}})");
  EXPECT_EQ(Ask("GET", "/api/v1/alerts").body, R"({"status":"success","data":{"alerts":[]}})");
  EXPECT_EQ(Ask("POST", "/-/reload").status, 404);
}

TEST_F(RulesApiTest, AReloadSaysWhatIsWrong) {
  absl::Status outcome = absl::InvalidArgumentError("a.yaml:3: no");
  Start({.reload = [&outcome] { return outcome; }});
  const Reply failed = Ask("POST", "/-/reload");
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body, "failed to reload config: a.yaml:3: no\n");
  outcome = absl::OkStatus();
  EXPECT_EQ(Ask("POST", "/-/reload").status, 200);
  EXPECT_EQ(Ask("PUT", "/-/reload").status, 200);
}

}  // namespace
}  // namespace leadline::collector::api
