#include "collector/api/rules_api.h"

#include "collector/api/params.h"
#include "collector/api/response.h"
#include "collector/promql/format_query.h"
#include "common/status_macros.h"

namespace leadline::collector::api {
namespace {

// {"<key>":[]}
http::Handler EmptyList(std::string_view key) {
  return [key](const http::Request&) {
    return Success([key](JsonWriter& json) {
      json.BeginObject();
      json.Key(key);
      json.BeginArray();
      json.EndArray();
      json.EndObject();
    });
  };
}

absl::Status CheckExemplarsRequest(const http::Params& params) {
  LL_ASSIGN_OR_RETURN(const int64_t start_ms, TimeParamOr(params, "start", -kFarMs));
  LL_ASSIGN_OR_RETURN(const int64_t end_ms, TimeParamOr(params, "end", kFarMs));
  if (end_ms < start_ms) {
    return absl::InvalidArgumentError("end timestamp must not be before start timestamp");
  }
  const auto query = promql::FormatQuery(params.First("query").value_or(""));
  return query.ok() ? absl::OkStatus() : AboutQuery(query.status());
}

http::Response Exemplars(const http::Request& request) {
  const absl::Status status = CheckExemplarsRequest(http::RequestParams(request));
  if (!status.ok()) return Error(status);
  return Success([](JsonWriter& json) {
    json.BeginArray();
    json.EndArray();
  });
}

}  // namespace

void AddRulesRoutes(http::Router& router) {
  using Kind = http::Parameter::Kind;
  using Presence = http::Parameter::Presence;
  router.Add({.method = "GET",
              .pattern = "/api/v1/rules",
              .about = {.summary = "Alerting and recording rules: none.", .schema = "Rules"},
              .handler = EmptyList("groups")});
  router.Add({.method = "GET",
              .pattern = "/api/v1/alerts",
              .about = {.summary = "Active alerts: none.", .schema = "Alerts"},
              .handler = EmptyList("alerts")});
  for (const char* method : {"GET", "POST"}) {
    router.Add({.method = method,
                .pattern = "/api/v1/query_exemplars",
                .about = {"Exemplars of the series of a query: none.",
                          {{"query", Kind::kText, Presence::kRequired, "In PromQL."},
                           {"start", Kind::kTime, Presence::kOptional, "The first time."},
                           {"end", Kind::kTime, Presence::kOptional, "The last time."}},
                          "Exemplars"},
                .handler = Exemplars});
  }
}

}  // namespace leadline::collector::api
