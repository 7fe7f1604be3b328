#include "cli/query_command.h"

#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr int64_t kNowMs = 1'700'000'000'000;

struct Outcome {
  int exit_code = 0;
  std::string out, err, url;
  Form form;
};

Outcome Query(const QueryFlags& flags, absl::StatusOr<HttpReply> reply) {
  Outcome run;
  std::ostringstream out, err;
  const ManualClock clock(kNowMs);
  run.exit_code = RunQuery(
      flags,
      [&](const std::string& url, const Form& form) {
        run.url = url;
        run.form = form;
        return reply;
      },
      clock, out, err);
  run.out = out.str();
  run.err = err.str();
  return run;
}

HttpReply Ok(const std::string& data) {
  return {200, R"({"status":"success","data":)" + data + "}"};
}

constexpr char kVector[] = R"({"resultType":"vector","result":[
  {"metric":{"__name__":"up","pod":"web-1","namespace":"shop","app":"a"},"value":[1.5,"10"]},
  {"metric":{"namespace":"base","container":"ünit"},"value":[1.5,"2.5"]},
  {"metric":{"namespace":"h"},"histogram":[1.5,{"count":"3","sum":"4.5","buckets":[]}]}]})";

TEST(RunQuery, PrintsAVectorAsATable) {
  const Outcome run = Query({.expr = "up"}, Ok(kVector));
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out,
            "METRIC   NAMESPACE   POD      CONTAINER   APP                VALUE\n"
            "<none>   base        <none>   ünit        <none>               2.5\n"
            "<none>   h           <none>   <none>      <none>   count=3 sum=4.5\n"
            "up       shop        web-1    <none>      a                     10\n");
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(run.url, "http://127.0.0.1:7070/api/v1/query");
  EXPECT_THAT(run.form, ElementsAre(Pair("query", "up")));
}

TEST(RunQuery, KeepsTheOrderThatTheQueryAsksFor) {
  const HttpReply reply = Ok(R"({"resultType":"vector","result":[
      {"metric":{"pod":"b"},"value":[1,"2"]},{"metric":{"pod":"a"},"value":[1,"1"]}]})");
  const std::string kept = "POD   VALUE\nb         2\na         1\n";
  const std::string is_long =
      std::string(1'000'000, ' ') + "topk(2, x{a=\"" + std::string(1'000'000, 'a') + "\"})";
  for (const std::string& query : {std::string("topk(2, x)"), std::string("sort_desc(x)"),
                                   std::string(" ( BOTTOMK by (pod) (2, x))"), is_long}) {
    EXPECT_EQ(Query({.expr = query}, reply).out, kept) << query;
  }
  for (const char* query : {"sum(topk(2, x))", "topkx", "x"}) {
    EXPECT_NE(Query({.expr = query}, reply).out, kept) << query;
  }
}

TEST(RunQuery, ShortensValuesForPeopleOnly) {
  const std::pair<const char*, const char*> cases[] = {
      {"13051.587646432374", "13051.6"},
      {"0.5190798461538462", "0.51908"},
      {"1234567.89", "1234568"},
      {"123456789012", "123456789012"},
      {"0.0035212500000001336", "0.00352"},
      {"-2.50000001", "-2.5"},
      {"0.00000123456789", "1.23457e-06"},
      {"NaN", "NaN"},
      {"+Inf", "+Inf"},
  };
  for (const auto& [value, shown] : cases) {
    const HttpReply reply = Ok(fmt::format(
        R"({{"resultType":"vector","result":[{{"metric":{{}},"value":[1,"{}"]}}]}})", value));
    EXPECT_THAT(Query({.expr = "x"}, reply).out, EndsWith(fmt::format("{}\n", shown))) << value;
    EXPECT_THAT(Query({.expr = "x", .output = "csv"}, reply).out,
                EndsWith(fmt::format("{}\n", value)));
  }
}

TEST(RunQuery, PrintsAMatrixWithTimes) {
  const Outcome run = Query({.expr = "x", .start = "-1h", .output = "csv"}, Ok(R"({
    "resultType":"matrix","result":[{"metric":{"a":"x,\"y\""},"values":[[0,"1"],[0.25,"NaN"]],
    "histograms":[[0.1,{"count":"1","sum":"2","buckets":[]}]]}]})"));
  EXPECT_EQ(run.out,
            "a,time,value\n"
            "\"x,\"\"y\"\"\",1970-01-01T00:00:00Z,1\n"
            "\"x,\"\"y\"\"\",1970-01-01T00:00:00.1Z,count=1 sum=2\n"
            "\"x,\"\"y\"\"\",1970-01-01T00:00:00.25Z,NaN\n");
  EXPECT_EQ(run.url, "http://127.0.0.1:7070/api/v1/query_range");
  EXPECT_THAT(run.form, ElementsAre(Pair("query", "x"), Pair("start", "1699996400.000"),
                                    Pair("end", "1700000000.000"), Pair("step", "14")));
}

TEST(RunQuery, PrintsScalarsAndStringsAlone) {
  EXPECT_EQ(Query({.expr = "1"}, Ok(R"({"resultType":"scalar","result":[1,"1"]})")).out, "1\n");
  EXPECT_EQ(Query({.expr = "'a'"}, Ok(R"({"resultType":"string","result":[1,"a"]})")).out, "a\n");
}

TEST(RunQuery, SaysWhenThereIsNothing) {
  const Outcome run = Query({.expr = "up"}, Ok(R"({"resultType":"vector","result":[]})"));
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, "No series found.\n");
}

TEST(RunQuery, PrintsTheAnswerItselfAsJson) {
  const HttpReply reply = Ok(R"({"resultType":"scalar","result":[1,"1"]})");
  EXPECT_EQ(Query({.expr = "1", .output = "json"}, reply).out, reply.body + "\n");
}

TEST(RunQuery, PrintsTheAnswerItselfAsYaml) {
  const HttpReply reply = Ok(R"({"resultType":"scalar","result":[1.25,"1"]})");
  EXPECT_EQ(Query({.expr = "1", .output = "yaml"}, reply).out,
            "status: \"success\"\ndata:\n  resultType: \"scalar\"\n  result: [1.25, \"1\"]\n");
}

TEST(RunQuery, PutsTheServersRemarksOnTheErrorStream) {
  const Outcome run =
      Query({.expr = "1"},
            HttpReply{200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"1"]},
                         "warnings":["PromQL warning: w"],"infos":["PromQL info: i"]})"});
  EXPECT_EQ(run.err, "PromQL warning: w\nPromQL info: i\n");
}

TEST(RunQuery, PointsAtTheMistake) {
  const Outcome run = Query(
      {.expr = "sum(x\n  # ü\n\tü foo)"},
      HttpReply{
          400,
          R"({"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 3:5: parse error: unexpected identifier \"foo\""})"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err,
            "error: 3:5: parse error: unexpected identifier \"foo\"\n"
            "  \tü foo)\n"
            "  \t  ^\n");
}

TEST(RunQuery, TellsWhatWentWrong) {
  EXPECT_EQ(Query({.expr = "x"}, absl::UnavailableError("cannot reach http://x: refused")).err,
            "error: cannot reach http://x: refused\n");
  const Outcome run =
      Query({.expr = "x", .collector = {.url = "host:1/"}}, HttpReply{502, "<html>"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("http://host:1/api/v1/query: HTTP status 502: "));
  EXPECT_EQ(
      Query({.expr = "x"}, HttpReply{422, R"({"status":"error","error":"too many samples"})"}).err,
      "error: too many samples\n");
}

TEST(RunQuery, RefusesFlagsThatDoNotGoTogether) {
  for (const QueryFlags& flags :
       {QueryFlags{.expr = "x", .time = "1", .start = "2"}, QueryFlags{.expr = "x", .end = "2"},
        QueryFlags{.expr = "x", .step = "2"}, QueryFlags{.expr = "x", .start = "-5mm"}}) {
    const Outcome run = Query(flags, Ok("{}"));
    EXPECT_EQ(run.exit_code, 1);
    EXPECT_THAT(run.err, HasSubstr("error: -"));
    EXPECT_THAT(run.url, IsEmpty());
  }
}

// Whatever is answered, nothing worse happens than an error.
TEST(RunQuery, SurvivesStrangeAnswers) {
  for (
      const char* body :
      {"", "null", "[]", "{}", R"({"status":"success"})", R"({"status":"success","data":[]})",
       R"({"status":"success","data":{"resultType":"vector","result":{}}})",
       R"({"status":"success","data":{"resultType":"vector","result":[1]}})",
       R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":1}]}})",
       R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":3}]}})",
       R"({"status":"success","data":{"resultType":"scalar","result":["x","y"]}})"}) {
    EXPECT_EQ(Query({.expr = "x"}, HttpReply{200, body}).exit_code, 1) << body;
  }
}

}  // namespace
}  // namespace leadline::cli
