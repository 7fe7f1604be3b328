#include "collector/api/metadata_api.h"

#include <utility>

#include <fmt/format.h>

#include "catalogue/metrics.h"
#include "collector/api/params.h"
#include "collector/api/response.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace leadline::collector::api {
namespace {

// Asks the store for one more than wanted, so that what was cut off is known.
template <typename T, typename Ask>
absl::StatusOr<std::vector<T>> AskLimited(const http::Params& params, bool needs_match,
                                          promql::Annotations& annotations, Ask ask) {
  LL_ASSIGN_OR_RETURN(store::SeriesFilter filter, FilterParams(params, needs_match));
  LL_ASSIGN_OR_RETURN(const size_t limit, LimitParam(params));
  filter.limit = limit == 0 ? 0 : limit + 1;
  LL_ASSIGN_OR_RETURN(std::vector<T> all, ask(filter));
  if (limit > 0 && all.size() > limit) {
    all.resize(limit);
    annotations.warnings.insert("results truncated due to limit");
  }
  return all;
}

http::Response AnswerStrings(const absl::StatusOr<std::vector<std::string>>& strings,
                             const promql::Annotations& annotations) {
  if (!strings.ok()) return Error(strings.status());
  return Success(
      [&](JsonWriter& json) {
        json.BeginArray();
        for (const std::string& text : *strings) json.String(text);
        json.EndArray();
      },
      annotations);
}

void WriteMetric(const catalogue::MetricInfo& metric, JsonWriter& json) {
  json.Key(metric.name);
  json.BeginArray();
  json.BeginObject();
  json.Key("type");
  json.String(catalogue::MetricTypeName(metric.type));
  json.Key("help");
  json.String(metric.help);
  json.Key("unit");
  json.String(metric.unit == "1" ? "" : metric.unit);
  json.EndObject();
  json.EndArray();
}

}  // namespace

void MetadataApi::AddRoutes(http::Router& router) const {
  using Kind = http::Parameter::Kind;
  using Presence = http::Parameter::Presence;
  const http::Parameter match{"match[]", Kind::kText, Presence::kRepeated,
                              "A series selector; of several, any."};
  const http::Parameter start{"start", Kind::kTime, Presence::kOptional,
                              "Only series with samples from here on."};
  const http::Parameter end{"end", Kind::kTime, Presence::kOptional,
                            "Only series with samples up to here."};
  const http::Parameter limit{"limit", Kind::kCount, Presence::kOptional,
                              "No more than so many; 0 for all."};
  for (const char* method : {"GET", "POST"}) {
    router.Add({.method = method,
                .pattern = "/api/v1/labels",
                .about = {"The names of labels.", {match, start, end, limit}, "Strings"},
                .handler = [this](const http::Request& request) { return Labels(request); },
                .load = http::Load::kHeavy});
    router.Add(
        {.method = method,
         .pattern = "/api/v1/series",
         .about = {"The series that match, as their labels.", {match, start, end, limit}, "Series"},
         .handler = [this](const http::Request& request) { return Series(request); },
         .load = http::Load::kHeavy});
  }
  router.Add({.method = "GET",
              .pattern = "/api/v1/label/{name}/values",
              .about = {"The values of a label.", {match, start, end, limit}, "Strings"},
              .handler = [this](const http::Request& request) { return LabelValues(request); },
              .load = http::Load::kHeavy});
  router.Add({.method = "GET",
              .pattern = "/api/v1/metadata",
              .about = {"Type, help and unit of the metrics that Leadline writes itself.",
                        {{"metric", Kind::kText, {}, "Of this one only."},
                         {"limit", Kind::kCount, {}, "Of no more than so many metrics."}},
                        "Metadata"},
              .handler = MetricMetadata});
}

http::Response MetadataApi::Labels(const http::Request& request) const {
  promql::Annotations annotations;
  const auto names = AskLimited<std::string>(
      http::RequestParams(request), false, annotations,
      [&](const store::SeriesFilter& filter) { return queryable_.LabelNames(tenant_, filter); });
  return AnswerStrings(names, annotations);
}

http::Response MetadataApi::LabelValues(const http::Request& request) const {
  const std::string& name = request.captures.front();
  if (!IsValidUtf8(name)) {
    return Error(
        absl::InvalidArgumentError(fmt::format("invalid label name: \"{}\"", ToValidUtf8(name))));
  }
  promql::Annotations annotations;
  const auto values = AskLimited<std::string>(
      http::RequestParams(request), false, annotations, [&](const store::SeriesFilter& filter) {
        return queryable_.LabelValues(tenant_, name, filter);
      });
  return AnswerStrings(values, annotations);
}

http::Response MetadataApi::Series(const http::Request& request) const {
  promql::Annotations annotations;
  const auto series = AskLimited<LabelSet>(
      http::RequestParams(request), true, annotations,
      [&](const store::SeriesFilter& filter) { return queryable_.Series(tenant_, filter); });
  if (!series.ok()) return Error(series.status());
  return Success(
      [&](JsonWriter& json) {
        json.BeginArray();
        for (const LabelSet& labels : *series) WriteLabels(labels, json);
        json.EndArray();
      },
      annotations);
}

http::Response MetadataApi::MetricMetadata(const http::Request& request) {
  const http::Params params = http::RequestParams(request);
  const auto limit = LimitParam(params);
  if (!limit.ok()) return Error(limit.status());
  const std::string_view wanted = params.First("metric").value_or("");
  return Success([&](JsonWriter& json) {
    json.BeginObject();
    size_t written = 0;
    for (const catalogue::MetricInfo& metric : catalogue::Metrics()) {
      if (!wanted.empty() && metric.name != wanted) continue;
      if (*limit > 0 && written == *limit) break;
      WriteMetric(metric, json);
      ++written;
    }
    json.EndObject();
  });
}

}  // namespace leadline::collector::api
