#include "collector/api/status_api.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/time/time.h"
#include <prometheus/registry.h>

#include "collector/api/params.h"
#include "collector/api/response.h"
#include "common/status_macros.h"
#include "common/version.h"

namespace leadline::collector::api {
namespace {

constexpr std::string_view kPrometheusVersion = "3.0.0";
constexpr int64_t kRecentMs = int64_t{60} * 60 * 1000;
constexpr size_t kDefaultTop = 10;
constexpr size_t kMaxTop = 10'000;

// Grafana chooses by this what it asks.
http::Response BuildInfo() {
  return Success([](JsonWriter& json) {
    json.BeginObject();
    json.Member("version", kPrometheusVersion);
    json.Member("application", "Leadline");
    json.Member("applicationVersion", kVersion);
    json.EndObject();
  });
}

std::string Rfc3339(int64_t unix_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(unix_ms),
                          absl::UTCTimeZone());
}

// Of all series of the metric, counter or gauge; nullopt where there is none.
std::optional<double> SumOf(const prometheus::Registry& registry, std::string_view name) {
  std::optional<double> sum;
  for (const prometheus::MetricFamily& family : registry.Collect()) {
    if (family.name != name) continue;
    for (const prometheus::ClientMetric& metric : family.metric) {
      sum = sum.value_or(0) + metric.counter.value + metric.gauge.value;
    }
  }
  return sum;
}

void WriteCounts(std::string_view key, const std::vector<NamedCount>& counts, JsonWriter& json) {
  json.Key(key);
  json.BeginArray();
  for (const NamedCount& count : counts) {
    json.BeginObject();
    json.Member("name", count.name);
    json.Key("value");
    json.Integer(static_cast<int64_t>(count.value));
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

void StatusApi::AddRoutes(http::Router& router) const {
  router.Add(
      {.method = "GET",
       .pattern = "/api/v1/status/buildinfo",
       .about = {.summary = "Which program answers, in which version.", .schema = "BuildInfo"},
       .handler = [](const http::Request&) { return BuildInfo(); }});
  router.Add({.method = "GET",
              .pattern = "/api/v1/status/runtimeinfo",
              .about = {.summary = "Since when it runs, where, and what it found damaged.",
                        .schema = "RuntimeInfo"},
              .handler = [this](const http::Request&) { return RuntimeInfo(); }});
  router.Add({.method = "GET",
              .pattern = "/api/v1/status/flags",
              .about = {.summary = "What it was started with.", .schema = "Flags"},
              .handler = [this](const http::Request&) { return AnswerFlags(); }});
  router.Add({.method = "GET",
              .pattern = "/api/v1/status/config",
              .about = {.summary = "The same as a configuration file.", .schema = "Configuration"},
              .handler = [this](const http::Request&) { return Configuration(); }});
  router.Add({.method = "GET",
              .pattern = "/api/v1/status/tsdb",
              .about = {.summary = "Which metrics and labels have the most series, of those with "
                                   "samples in the last hour.",
                        .parameters = {{.name = "limit",
                                        .kind = http::Parameter::Kind::kCount,
                                        .help = "How many of each; 10 where it is missing."}},
                        .schema = "StoreStatus"},
              .handler = [this](const http::Request& request) { return StoreStatus(request); },
              .load = http::Load::kHeavy});
  router.Add({.method = "GET",
              .pattern = "/api/v2/status/gaps",
              .about = {.summary = "What of the store was found damaged or missing, and is left "
                                   "out of answers.",
                        .schema = "Strings"},
              .handler = [this](const http::Request&) { return Gaps(); }});
}

http::Response StatusApi::RuntimeInfo() const {
  std::error_code ignored;
  const std::string directory = std::filesystem::current_path(ignored).string();
  const auto retention = std::find_if(flags_.begin(), flags_.end(),
                                      [](const auto& flag) { return flag.first == "retention"; });
  // What is read again while it runs are the rules.
  const bool rules_are_well =
      SumOf(*registry_, "leadline_collector_rule_last_reload_successful").value_or(1) > 0;
  const double rules_seconds =
      SumOf(*registry_, "leadline_collector_rule_last_reload_success_timestamp_seconds")
          .value_or(0);
  const int64_t read_ms = std::max(start_ms_, static_cast<int64_t>(rules_seconds * 1000));
  const double damaged =
      SumOf(*registry_, "leadline_collector_store_quarantined_total").value_or(0);
  return Success([&](JsonWriter& json) {
    json.BeginObject();
    json.Member("startTime", Rfc3339(start_ms_));
    json.Member("CWD", directory);
    json.Key("reloadConfigSuccess");
    json.Bool(rules_are_well);
    json.Member("lastConfigTime", Rfc3339(read_ms));
    json.Key("corruptionCount");
    json.Integer(static_cast<int64_t>(damaged));
    json.Member("storageRetention", retention == flags_.end() ? "" : retention->second);
    json.EndObject();
  });
}

http::Response StatusApi::AnswerFlags() const {
  return Success([&](JsonWriter& json) {
    json.BeginObject();
    for (const auto& [name, value] : flags_) json.Member(name, value);
    json.EndObject();
  });
}

http::Response StatusApi::Configuration() const {
  std::string yaml;
  for (const auto& [name, value] : flags_) {
    if (value.empty()) continue;
    yaml += name + ": ";
    JsonWriter(yaml).String(value);  // which is YAML too
    yaml += '\n';
  }
  return Success([&yaml](JsonWriter& json) {
    json.BeginObject();
    json.Member("yaml", yaml);
    json.EndObject();
  });
}

http::Response StatusApi::Gaps() const {
  const std::vector<std::string> gaps = queryable_.Gaps(0, model::kOpenEnd);
  return Success([&](JsonWriter& json) {
    json.BeginArray();
    for (const std::string& gap : gaps) json.String(gap);
    json.EndArray();
  });
}

// A metric at a time: all series of a large store would take more memory than there may be.
absl::Status StatusApi::CountSeries(int64_t start_ms, int64_t end_ms,
                                    const std::atomic<bool>* cancelled,
                                    LabelCounter& counter) const {
  store::SeriesFilter filter{.start_ms = start_ms, .end_ms = end_ms};
  LL_ASSIGN_OR_RETURN(const std::vector<std::string> metrics,
                      queryable_.LabelValues(tenant_, kMetricName, filter));
  for (const std::string& metric : metrics) {
    if (cancelled != nullptr && *cancelled) return absl::CancelledError("nobody waits for it");
    filter.selectors = {{{store::Matcher::Op::kEqual, std::string(kMetricName), metric}}};
    LL_RETURN_IF_ERROR(queryable_.UseSeries(tenant_, filter, [&](const auto& series) {
      counter.Add(series);
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

http::Response StatusApi::StoreStatus(const http::Request& request) const {
  const absl::StatusOr<size_t> limit = LimitParam(http::RequestParams(request));
  if (!limit.ok()) return Error(limit.status());
  if (*limit > kMaxTop) return Error(BadParameter("limit", "more than 10000"));
  const int64_t end_ms = clock_.NowUnixMs();
  const int64_t start_ms = end_ms - kRecentMs;
  LabelCounter counter;
  const absl::Status counted = CountSeries(start_ms, end_ms, request.cancelled.get(), counter);
  if (!counted.ok()) return Error(counted);
  const Cardinality found = counter.Largest(*limit == 0 ? kDefaultTop : *limit);
  return Success([&](JsonWriter& json) {
    json.BeginObject();
    json.Key("headStats");
    json.BeginObject();
    for (const auto& [key, value] :
         {std::pair{"numSeries", static_cast<int64_t>(counter.series())},
          std::pair{"numLabelPairs", static_cast<int64_t>(found.label_pairs)},
          std::pair{"minTime", start_ms}, std::pair{"maxTime", end_ms}}) {
      json.Key(key);
      json.Integer(value);
    }
    json.EndObject();
    WriteCounts("seriesCountByMetricName", found.series_by_metric, json);
    WriteCounts("labelValueCountByLabelName", found.values_by_label, json);
    WriteCounts("memoryInBytesByLabelName", found.bytes_by_label, json);
    WriteCounts("seriesCountByLabelValuePair", found.series_by_pair, json);
    json.EndObject();
  });
}

}  // namespace leadline::collector::api
