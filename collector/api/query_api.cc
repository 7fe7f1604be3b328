#include "collector/api/query_api.h"

#include <string>
#include <utility>

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "collector/api/explanation.h"
#include "collector/api/params.h"
#include "collector/api/query_tree.h"
#include "collector/api/response.h"
#include "collector/promql/format_query.h"
#include "common/status_macros.h"

namespace leadline::collector::api {
namespace {

using promql::QueryOptions;
using promql::QueryResult;

absl::StatusOr<QueryOptions> OptionParams(const http::Request& request, const http::Params& params,
                                          promql::QueryStats* stats = nullptr) {
  QueryOptions options;
  options.stats = stats;
  options.cancelled = request.cancelled.get();
  LL_ASSIGN_OR_RETURN(options.timeout, DurationParamOr(params, "timeout", options.timeout));
  LL_ASSIGN_OR_RETURN(options.lookback, DurationParamOr(params, "lookback_delta", {}));
  if (const auto most = params.First("max_source_resolution").value_or("");
      !most.empty() && most != "auto") {
    LL_ASSIGN_OR_RETURN(options.max_source_resolution,
                        DurationParam(params, "max_source_resolution"));
    if (*options.max_source_resolution < absl::ZeroDuration()) {
      return BadParameter("max_source_resolution", "it must not be negative");
    }
  }
  return options;
}

StatsDetail DetailFor(const http::Params& params) {
  const std::string_view asked = params.First("stats").value_or("");
  if (asked.empty()) return StatsDetail::kNone;
  return asked == "all" ? StatsDetail::kBySteps : StatsDetail::kTotals;
}

// nullptr unless they are asked for.
promql::QueryStats* StatsFor(const http::Params& params, promql::QueryStats& stats) {
  return DetailFor(params) == StatsDetail::kNone ? nullptr : &stats;
}

absl::StatusOr<QueryResult> RunInstant(const promql::Engine& engine, const std::string& tenant,
                                       const http::Request& request, const http::Params& params,
                                       int64_t now_ms, promql::QueryStats& stats) {
  LL_ASSIGN_OR_RETURN(const int64_t ts_ms, TimeParamOr(params, "time", now_ms));
  LL_ASSIGN_OR_RETURN(const QueryOptions options,
                      OptionParams(request, params, StatsFor(params, stats)));
  auto result = engine.Instant(tenant, params.First("query").value_or(""), ts_ms, options);
  if (!result.ok()) return AboutQuery(result.status());
  return result;
}

struct Steps {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;
};

absl::StatusOr<Steps> StepParams(const http::Params& params) {
  Steps steps;
  LL_ASSIGN_OR_RETURN(steps.start_ms, TimeParam(params, "start"));
  LL_ASSIGN_OR_RETURN(steps.end_ms, TimeParam(params, "end"));
  LL_RETURN_IF_ERROR(InOrder(steps.start_ms, steps.end_ms));
  LL_ASSIGN_OR_RETURN(const absl::Duration step, DurationParam(params, "step"));
  steps.step_ms = absl::ToInt64Milliseconds(step);
  if (steps.step_ms <= 0) {
    return BadParameter("step",
                        "zero or negative query resolution step widths are not accepted. Try a "
                        "positive integer");
  }
  if ((steps.end_ms - steps.start_ms) / steps.step_ms > kMaxPoints) {
    return absl::InvalidArgumentError(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  return steps;
}

absl::StatusOr<QueryResult> RunRange(const promql::Engine& engine, const std::string& tenant,
                                     const http::Request& request, const http::Params& params,
                                     promql::QueryStats& stats) {
  LL_ASSIGN_OR_RETURN(const Steps steps, StepParams(params));
  LL_ASSIGN_OR_RETURN(const QueryOptions options,
                      OptionParams(request, params, StatsFor(params, stats)));
  auto result = engine.Range(tenant, params.First("query").value_or(""), steps.start_ms,
                             steps.end_ms, steps.step_ms, options);
  if (!result.ok()) return AboutQuery(result.status());
  return result;
}

// As query_range where there is a start, else as query.
absl::StatusOr<promql::Explanation> RunExplain(const promql::Engine& engine,
                                               const std::string& tenant,
                                               const http::Request& request,
                                               const http::Params& params, int64_t now_ms) {
  Steps steps;
  if (params.First("start").has_value()) {
    LL_ASSIGN_OR_RETURN(steps, StepParams(params));
  } else {
    LL_ASSIGN_OR_RETURN(steps.end_ms, TimeParamOr(params, "time", now_ms));
  }
  LL_ASSIGN_OR_RETURN(const QueryOptions options, OptionParams(request, params));
  auto explanation = engine.Explain(tenant, params.First("query").value_or(""), steps.start_ms,
                                    steps.end_ms, steps.step_ms, options);
  if (!explanation.ok()) return AboutQuery(explanation.status());
  return explanation;
}

}  // namespace

QueryApi::QueryApi(const promql::Engine& engine, const Clock& clock, std::string tenant,
                   prometheus::Registry& registry)
    : engine_(engine),
      clock_(clock),
      tenant_(std::move(tenant)),
      queries_(prometheus::BuildCounter()
                   .Name("leadline_collector_queries_total")
                   .Help("PromQL queries, by result: success or the type of the error.")
                   .Register(registry)) {}

void QueryApi::AddRoutes(http::Router& router) const {
  using Kind = http::Parameter::Kind;
  using Presence = http::Parameter::Presence;
  const http::Parameter query{"query", Kind::kText, Presence::kRequired, "In PromQL."};
  const http::Parameter timeout{"timeout", Kind::kDuration, Presence::kOptional,
                                "After which it is given up."};
  const http::Parameter lookback{"lookback_delta", Kind::kDuration, Presence::kOptional,
                                 "How old a sample may be to count as the present one."};
  const http::Parameter resolution{
      "max_source_resolution", Kind::kText, Presence::kOptional,
      "The longest buckets of rollups that may stand in for samples, a duration; 0 for none, auto "
      "(as when it is missing) for those of an hour where that pays."};
  const http::Parameter limit{"limit", Kind::kCount, Presence::kOptional,
                              "No more than so many series; 0 for all."};
  const http::Parameter stats{"stats", Kind::kText, Presence::kOptional,
                              "Anything: what the query took is told, too; all: by step."};
  for (const char* method : {"GET", "POST"}) {
    router.Add({.method = method,
                .pattern = "/api/v1/query",
                .about = {"What a query gives at one time.",
                          {query,
                           {"time", Kind::kTime, Presence::kOptional, "Now where it is missing."},
                           timeout,
                           lookback,
                           resolution,
                           limit,
                           stats},
                          "QueryResult"},
                .handler = [this](const http::Request& request) { return Instant(request); },
                .load = http::Load::kHeavy});
    router.Add({.method = method,
                .pattern = "/api/v1/query_range",
                .about = {"What a query gives over a range of time.",
                          {query,
                           {"start", Kind::kTime, Presence::kRequired, "The first time."},
                           {"end", Kind::kTime, Presence::kRequired, "No time is after it."},
                           {"step", Kind::kDuration, Presence::kRequired, "From time to time."},
                           timeout,
                           lookback,
                           resolution,
                           limit,
                           stats},
                          "QueryResult"},
                .handler = [this](const http::Request& request) { return Range(request); },
                .load = http::Load::kHeavy});
    router.Add({.method = method,
                .pattern = "/api/v2/explain",
                .about = {"How a query is answered and what each part of that takes; with a start "
                          "over a range of time.",
                          {query,
                           {"time", Kind::kTime, Presence::kOptional, "Now where it is missing."},
                           {"start", Kind::kTime, Presence::kOptional, "The first time."},
                           {"end", Kind::kTime, Presence::kOptional, "No time is after it."},
                           {"step", Kind::kDuration, Presence::kOptional, "From time to time."},
                           timeout,
                           lookback,
                           resolution},
                          "Explanation"},
                .handler = [this](const http::Request& request) { return Explain(request); },
                .load = http::Load::kHeavy});
    router.Add({.method = method,
                .pattern = "/api/v1/format_query",
                .about = {"A query laid out for people to read.", {query}, "Text"},
                .handler = Format});
    router.Add({.method = method,
                .pattern = "/api/v1/parse_query",
                .about = {"A query's syntax tree.", {query}, "QueryTree"},
                .handler = Parse});
  }
  router.Add(
      {.method = "GET",
       .pattern = "/api/v2/queries/active",
       .about = {"The queries that run or wait for their turn, oldest first; times and steps "
                 "in seconds.",
                 {},
                 "ActiveQueries"},
       .handler = [this](const http::Request&) { return Active(); }});
}

http::Response QueryApi::Explain(const http::Request& request) const {
  const http::Params params = http::RequestParams(request);
  const auto explanation = RunExplain(engine_, tenant_, request, params, clock_.NowUnixMs());
  const std::string_view outcome = explanation.ok() ? "success" : KindOf(explanation.status()).type;
  queries_.Add({{"result", std::string(outcome)}}).Increment();
  if (!explanation.ok()) return Error(explanation.status());
  return Success([&](JsonWriter& json) { WriteExplanation(*explanation, json); });
}

http::Response QueryApi::Active() const {
  return Success([this](JsonWriter& json) {
    json.BeginArray();
    for (const promql::govern::ActiveQuery& query : engine_.Active(tenant_)) {
      json.BeginObject();
      json.Member("query", query.query);
      const auto time = [&json](std::string_view key, int64_t ms) {
        json.Key(key);
        json.Time(ms);
      };
      time("start", query.start_ms);
      time("end", query.end_ms);
      time("step", query.step_ms);
      time("since", query.since_ms);
      json.EndObject();
    }
    json.EndArray();
  });
}

http::Response QueryApi::Format(const http::Request& request) {
  const http::Params params = http::RequestParams(request);
  const auto text = promql::FormatQuery(params.First("query").value_or(""));
  if (!text.ok()) return Error(AboutQuery(text.status()));
  return Success([&](JsonWriter& json) { json.String(*text); });
}

http::Response QueryApi::Parse(const http::Request& request) {
  const http::Params params = http::RequestParams(request);
  const auto tree = QueryTree(params.First("query").value_or(""));
  if (!tree.ok()) return Error(AboutQuery(tree.status()));
  return Success([&](JsonWriter& json) { json.Raw(*tree); });
}

http::Response QueryApi::Instant(const http::Request& request) const {
  const http::Params params = http::RequestParams(request);
  return Answer(params, [&](promql::QueryStats& stats) {
    return RunInstant(engine_, tenant_, request, params, clock_.NowUnixMs(), stats);
  });
}

http::Response QueryApi::Range(const http::Request& request) const {
  const http::Params params = http::RequestParams(request);
  return Answer(params, [&](promql::QueryStats& stats) {
    return RunRange(engine_, tenant_, request, params, stats);
  });
}

http::Response QueryApi::Answer(
    const http::Params& params,
    const std::function<absl::StatusOr<promql::QueryResult>(promql::QueryStats&)>& run) const {
  const auto answer = [&]() -> absl::StatusOr<http::Response> {
    LL_ASSIGN_OR_RETURN(const size_t limit, LimitParam(params));
    promql::QueryStats stats;
    LL_ASSIGN_OR_RETURN(QueryResult result, run(stats));
    if (limit > 0 && result.series.size() > limit) {
      result.series.resize(limit);
      result.annotations.warnings.insert("results truncated due to limit");
    }
    // What the query held is counted no more.
    const ResultBytes bytes = BytesOf(result);
    LL_ASSIGN_OR_RETURN(const auto of_result, engine_.Hold(bytes.held));
    LL_ASSIGN_OR_RETURN(auto of_answer, engine_.Hold(bytes.json));
    http::Response response =
        Success([&](JsonWriter& json) { WriteResult(result, stats, DetailFor(params), json); },
                result.annotations);
    response.keeps = std::move(of_answer);
    return response;
  };
  absl::StatusOr<http::Response> response = answer();
  const std::string_view outcome = response.ok() ? "success" : KindOf(response.status()).type;
  queries_.Add({{"result", std::string(outcome)}}).Increment();
  return response.ok() ? *std::move(response) : Error(response.status());
}

}  // namespace leadline::collector::api
