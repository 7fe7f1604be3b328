#include "collector/api/rules_api.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include <fmt/format.h>

#include "collector/api/params.h"
#include "collector/api/response.h"
#include "collector/promql/format_query.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::collector::api {
namespace {

using rules::GroupStatus;
using rules::Rule;
using rules::RuleStatus;

// As Go writes times; the one before all where there was none.
std::string GoTime(int64_t unix_ms) {
  if (unix_ms == rules::kNever) return "0001-01-01T00:00:00Z";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(unix_ms),
                          absl::UTCTimeZone());
}

void WriteSeconds(std::string_view key, absl::Duration duration, JsonWriter& json) {
  std::string text;
  AppendFloat(absl::ToDoubleSeconds(duration), text);
  json.Key(key);
  json.Raw(text);
}

std::string_view HealthText(RuleStatus::Health health) {
  switch (health) {
    case RuleStatus::Health::kOk:
      return "ok";
    case RuleStatus::Health::kError:
      return "err";
    case RuleStatus::Health::kUnknown:
      break;
  }
  return "unknown";
}

void WriteRule(const RuleStatus& status, JsonWriter& json) {
  const Rule& rule = status.rule;
  const bool alerts = rule.kind == Rule::Kind::kAlerting;
  json.BeginObject();
  if (alerts) json.Member("state", "inactive");
  json.Member("name", rule.name);
  json.Member("query", status.query);
  if (alerts) {
    WriteSeconds("duration", rule.hold, json);
    WriteSeconds("keepFiringFor", rule.keep_firing_for, json);
  }
  json.Key("labels");
  WriteLabels(LabelSet(rule.labels), json);
  if (alerts) {
    json.Key("annotations");
    WriteLabels(rule.annotations, json);
    json.Key("alerts");
    json.BeginArray();
    json.EndArray();
  }
  json.Member("health", HealthText(status.health));
  if (!status.last_error.empty()) json.Member("lastError", status.last_error);
  WriteSeconds("evaluationTime", status.evaluation_time, json);
  json.Member("lastEvaluation", GoTime(status.last_evaluation_ms));
  json.Member("type", alerts ? "alerting" : "recording");
  json.EndObject();
}

void WriteGroup(const GroupStatus& group, JsonWriter& json) {
  json.BeginObject();
  json.Member("name", group.name);
  json.Member("file", group.file);
  json.Key("rules");
  json.BeginArray();
  for (const RuleStatus& rule : group.rules) WriteRule(rule, json);
  json.EndArray();
  WriteSeconds("interval", group.interval, json);
  json.Key("limit");
  json.Integer(static_cast<int64_t>(group.limit));
  WriteSeconds("evaluationTime", group.evaluation_time, json);
  json.Member("lastEvaluation", GoTime(group.last_evaluation_ms));
  json.EndObject();
}

bool Admits(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

// Groups of which no rule is left are left out, unless nothing was asked for.
void Filter(const http::Params& params, std::vector<GroupStatus>& groups) {
  const std::string_view type = params.First("type").value_or("");
  const std::vector<std::string> rule_names = params.All("rule_name[]");
  const std::vector<std::string> group_names = params.All("rule_group[]");
  const std::vector<std::string> files = params.All("file[]");
  std::erase_if(groups, [&](GroupStatus& group) {
    if (!Admits(group_names, group.name) || !Admits(files, group.file)) return true;
    const size_t before = group.rules.size();
    std::erase_if(group.rules, [&](const RuleStatus& status) {
      const bool alerts = status.rule.kind == Rule::Kind::kAlerting;
      return !Admits(rule_names, status.rule.name) || (type == "alert" && !alerts) ||
             (type == "record" && alerts);
    });
    return group.rules.empty() && before > 0;
  });
}

http::Response Rules(const RuleGroups& all_groups, const http::Request& request) {
  const http::Params params = http::RequestParams(request);
  const std::string_view type = params.First("type").value_or("");
  if (!type.empty() && type != "alert" && type != "record") {
    return Error(BadParameter("type", fmt::format("not supported value \"{}\"", type)));
  }
  std::vector<GroupStatus> groups;
  if (all_groups) groups = all_groups();
  Filter(params, groups);
  return Success([&groups](JsonWriter& json) {
    json.BeginObject();
    json.Key("groups");
    json.BeginArray();
    for (const GroupStatus& group : groups) WriteGroup(group, json);
    json.EndArray();
    json.EndObject();
  });
}

http::Response NoAlerts(const http::Request&) {
  return Success([](JsonWriter& json) {
    json.BeginObject();
    json.Key("alerts");
    json.BeginArray();
    json.EndArray();
    json.EndObject();
  });
}

http::Response Reload(const std::function<absl::Status()>& reload) {
  if (!reload) return {.status = 404, .body = "there is nothing to reload\n"};
  const absl::Status status = reload();
  if (status.ok()) return {};
  return {.status = 500,
          .body = fmt::format("failed to reload config: {}\n", StatusMessage(status))};
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

void AddRulesRoutes(http::Router& router, RuleGroups groups, std::function<absl::Status()> reload) {
  using Kind = http::Parameter::Kind;
  using Presence = http::Parameter::Presence;
  router.Add(
      {.method = "GET",
       .pattern = "/api/v1/rules",
       .about = {"Recording rules and how they fare; alerting rules, which are not evaluated.",
                 {{"type", Kind::kText, Presence::kOptional, "record or alert: only those."},
                  {"rule_name[]", Kind::kText, Presence::kRepeated, "Only rules of this name."},
                  {"rule_group[]", Kind::kText, Presence::kRepeated, "Only groups of this name."},
                  {"file[]", Kind::kText, Presence::kRepeated, "Only those of this file."}},
                 "Rules"},
       .handler = [groups = std::move(groups)](const http::Request& request) {
         return Rules(groups, request);
       }});
  router.Add({.method = "GET",
              .pattern = "/api/v1/alerts",
              .about = {.summary = "Active alerts: none.", .schema = "Alerts"},
              .handler = NoAlerts});
  router.Add(
      {.method = "POST",
       .pattern = "/-/reload",
       .about = {"Reads the rule files again, as Prometheus does."},
       .handler = [reload = std::move(reload)](const http::Request&) { return Reload(reload); },
       .load = http::Load::kHeavy});
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
