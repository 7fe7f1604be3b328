#include "collector/api/query_api.h"

#include <string>
#include <utility>

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "collector/api/params.h"
#include "collector/api/response.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::collector::api {
namespace {

using promql::QueryOptions;
using promql::QueryResult;

// What the engine says about the query itself is about the parameter "query".
absl::Status AboutQuery(const absl::Status& error) {
  if (error.code() != absl::StatusCode::kInvalidArgument &&
      error.code() != absl::StatusCode::kUnimplemented) {
    return error;
  }
  return BadParameter("query", StatusMessage(error));
}

absl::StatusOr<QueryOptions> OptionParams(const http::Params& params) {
  QueryOptions options;
  LL_ASSIGN_OR_RETURN(options.timeout, DurationParamOr(params, "timeout", options.timeout));
  LL_ASSIGN_OR_RETURN(options.lookback, DurationParamOr(params, "lookback_delta", {}));
  return options;
}

absl::StatusOr<QueryResult> RunInstant(const promql::Engine& engine, const std::string& tenant,
                                       const http::Params& params, int64_t now_ms) {
  LL_ASSIGN_OR_RETURN(const int64_t ts_ms, TimeParamOr(params, "time", now_ms));
  LL_ASSIGN_OR_RETURN(const QueryOptions options, OptionParams(params));
  auto result = engine.Instant(tenant, params.First("query").value_or(""), ts_ms, options);
  if (!result.ok()) return AboutQuery(result.status());
  return result;
}

absl::StatusOr<QueryResult> RunRange(const promql::Engine& engine, const std::string& tenant,
                                     const http::Params& params) {
  LL_ASSIGN_OR_RETURN(const int64_t start_ms, TimeParam(params, "start"));
  LL_ASSIGN_OR_RETURN(const int64_t end_ms, TimeParam(params, "end"));
  if (end_ms < start_ms) {
    return BadParameter("end", "end timestamp must not be before start time");
  }
  LL_ASSIGN_OR_RETURN(const absl::Duration step, DurationParam(params, "step"));
  const int64_t step_ms = absl::ToInt64Milliseconds(step);
  if (step_ms <= 0) {
    return BadParameter("step",
                        "zero or negative query resolution step widths are not accepted. Try a "
                        "positive integer");
  }
  if ((end_ms - start_ms) / step_ms > kMaxPoints) {
    return absl::InvalidArgumentError(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
        "resolution (?step=XX)");
  }
  LL_ASSIGN_OR_RETURN(const QueryOptions options, OptionParams(params));
  auto result =
      engine.Range(tenant, params.First("query").value_or(""), start_ms, end_ms, step_ms, options);
  if (!result.ok()) return AboutQuery(result.status());
  return result;
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

http::Response QueryApi::Instant(const http::Request& request) const {
  const http::Params params = http::RequestParams(request);
  return Answer(params, [&] { return RunInstant(engine_, tenant_, params, clock_.NowUnixMs()); });
}

http::Response QueryApi::Range(const http::Request& request) const {
  const http::Params params = http::RequestParams(request);
  return Answer(params, [&] { return RunRange(engine_, tenant_, params); });
}

http::Response QueryApi::Answer(
    const http::Params& params,
    const std::function<absl::StatusOr<promql::QueryResult>()>& run) const {
  const absl::StatusOr<size_t> limit = LimitParam(params);
  absl::StatusOr<QueryResult> result = limit.ok() ? run() : limit.status();
  const std::string_view outcome = result.ok() ? "success" : KindOf(result.status()).type;
  queries_.Add({{"result", std::string(outcome)}}).Increment();
  if (!result.ok()) return Error(result.status());
  if (*limit > 0 && result->series.size() > *limit) {
    result->series.resize(*limit);
    result->annotations.warnings.insert("results truncated due to limit");
  }
  return Success([&](JsonWriter& json) { WriteResult(*result, json); }, result->annotations);
}

}  // namespace leadline::collector::api
