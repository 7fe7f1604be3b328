#include "collector/api/rules_api.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include <fmt/format.h>

#include "collector/api/params.h"
#include "collector/api/response.h"
#include "collector/promql/series_selector.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "common/utf8.h"

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
  WriteLabels(status.labels, json);
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

absl::StatusOr<std::vector<promql::SeriesSelector>> SelectorParams(const http::Params& params) {
  std::vector<promql::SeriesSelector> selectors;
  for (const std::string& match : params.All("match[]")) {
    auto selector = promql::SeriesSelector::Parse(match);
    if (!selector.ok()) return BadParameter("match[]", StatusMessage(selector.status()));
    selectors.push_back(*std::move(selector));
  }
  return selectors;
}

bool Admits(const std::vector<promql::SeriesSelector>& selectors, const LabelSet& labels) {
  return selectors.empty() ||
         std::any_of(selectors.begin(), selectors.end(),
                     [&labels](const auto& selector) { return selector.Matches(labels); });
}

// Groups of which no rule is left are left out, unless nothing was asked for.
absl::Status Filter(const http::Params& params, std::vector<GroupStatus>& groups) {
  const std::string_view type = params.First("type").value_or("");
  if (!type.empty() && type != "alert" && type != "record") {
    return BadParameter("type", fmt::format("not supported value \"{}\"", type));
  }
  LL_ASSIGN_OR_RETURN(const auto selectors, SelectorParams(params));
  const std::vector<std::string> rule_names = params.All("rule_name[]");
  const std::vector<std::string> group_names = params.All("rule_group[]");
  const std::vector<std::string> files = params.All("file[]");
  std::erase_if(groups, [&](GroupStatus& group) {
    if (!Admits(group_names, group.name) || !Admits(files, group.file)) return true;
    const size_t before = group.rules.size();
    std::erase_if(group.rules, [&](const RuleStatus& status) {
      const bool alerts = status.rule.kind == Rule::Kind::kAlerting;
      return !Admits(rule_names, status.rule.name) || !Admits(selectors, status.labels) ||
             (type == "alert" && !alerts) || (type == "record" && alerts);
    });
    return group.rules.empty() && before > 0;
  });
  return absl::OkStatus();
}

// Stands for a group, where a page begins with it.
std::string TokenOf(const GroupStatus& group) {
  const std::string name = group.file + ";" + group.name;
  std::string token;
  for (const char c : name) fmt::format_to(std::back_inserter(token), "{:02x}", c & 0xff);
  return token;
}

// Leaves one page of the groups where one is asked for. Gives the token of the next; "": none.
absl::StatusOr<std::string> TakePage(const http::Params& params, std::vector<GroupStatus>& groups) {
  const std::string_view token = params.First("group_next_token").value_or("");
  if (params.First("group_limit").value_or("").empty()) {
    if (token.empty()) return "";
    return BadParameter("group_next_token",
                        "group_limit needs to be present in order to paginate over the groups");
  }
  LL_ASSIGN_OR_RETURN(const size_t limit, LimitParam(params, "group_limit"));
  if (limit == 0) return BadParameter("group_limit", "group_limit needs to be greater than 0");
  if (!token.empty()) {
    const auto first = std::find_if(groups.begin(), groups.end(),
                                    [token](const auto& group) { return TokenOf(group) == token; });
    if (first == groups.end()) {
      return BadParameter("group_next_token",
                          fmt::format("invalid group_next_token '{}'. were rule groups changed?",
                                      ToValidUtf8(token)));
    }
    groups.erase(groups.begin(), first);
  }
  if (groups.size() <= limit) return "";
  std::string next = TokenOf(groups[limit]);
  groups.resize(limit);
  return next;
}

// There are no alerts that could be left out.
absl::Status CheckExcludeAlerts(const http::Params& params) {
  const std::string_view text = params.First("exclude_alerts").value_or("");
  constexpr std::string_view kBools[] = {"",  "1", "t", "T",     "true",  "TRUE", "True",
                                         "0", "f", "F", "false", "FALSE", "False"};
  if (std::find(std::begin(kBools), std::end(kBools), text) != std::end(kBools)) {
    return absl::OkStatus();
  }
  return BadParameter("exclude_alerts",
                      fmt::format("neither true nor false: \"{}\"", ToValidUtf8(text)));
}

http::Response Rules(const RuleGroups& all_groups, const http::Request& request) {
  const http::Params params = http::RequestParams(request);
  std::vector<GroupStatus> groups;
  if (all_groups) groups = all_groups();
  absl::Status asked = CheckExcludeAlerts(params);
  if (asked.ok()) asked = Filter(params, groups);
  if (!asked.ok()) return Error(asked);
  const absl::StatusOr<std::string> next = TakePage(params, groups);
  if (!next.ok()) return Error(next.status());
  return Success([&](JsonWriter& json) {
    json.BeginObject();
    json.Key("groups");
    json.BeginArray();
    for (const GroupStatus& group : groups) WriteGroup(group, json);
    json.EndArray();
    if (!next->empty()) json.Member("groupNextToken", *next);
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
                  {"file[]", Kind::kText, Presence::kRepeated, "Only those of this file."},
                  {"match[]", Kind::kText, Presence::kRepeated,
                   "A series selector: only rules whose labels it matches; of several, any."},
                  {"exclude_alerts", Kind::kText, Presence::kOptional,
                   "true or false: whether to leave active alerts out; there are none."},
                  {"group_limit", Kind::kCount, Presence::kOptional,
                   "No more than so many groups, and a token for those that follow."},
                  {"group_next_token", Kind::kText, Presence::kOptional,
                   "groupNextToken of the answer before: the groups from there on."}},
                 "Rules"},
       .handler = [groups = std::move(groups)](const http::Request& request) {
         return Rules(groups, request);
       }});
  router.Add({.method = "GET",
              .pattern = "/api/v1/alerts",
              .about = {.summary = "Active alerts: none.", .schema = "Alerts"},
              .handler = NoAlerts});
  for (const char* method : {"POST", "PUT"}) {
    router.Add({.method = method,
                .pattern = "/-/reload",
                .about = {"Reads the rule files again, as Prometheus does."},
                .handler = [reload](const http::Request&) { return Reload(reload); },
                .load = http::Load::kHeavy});
  }
}

}  // namespace leadline::collector::api
