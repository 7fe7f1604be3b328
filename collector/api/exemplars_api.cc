#include "collector/api/exemplars_api.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "collector/api/found_exemplars.h"
#include "collector/api/params.h"
#include "collector/api/response.h"
#include "collector/promql/query_selectors.h"
#include "common/status_macros.h"

namespace leadline::collector::api {
namespace {

using SeriesView = store::Queryable::SeriesView;

// How far around the range a series may have its samples: as far as PromQL looks back.
constexpr int64_t kAroundMs = 300'000;
// About what else there is of an exemplar and of an answer.
constexpr uint64_t kExemplarBytes = 80;
constexpr uint64_t kSeriesBytes = 48;

uint64_t LabelBytes(std::string_view name, std::string_view value) {
  return name.size() + value.size() + 6;
}

uint64_t AnswerBytes(absl::Span<const SeriesView> series, const ExemplarsBySeries& found) {
  uint64_t bytes = kSeriesBytes;
  for (const auto& [number, exemplars] : found) {
    bytes += kSeriesBytes;
    for (const LabelView& label : series[number]) bytes += LabelBytes(label.name, label.value);
    for (const model::Exemplar& exemplar : exemplars) {
      bytes += kExemplarBytes;
      for (const Label& label : exemplar.labels) bytes += LabelBytes(label.name, label.value);
    }
  }
  return bytes;
}

template <typename Labels>
void WriteLabelPairs(const Labels& labels, JsonWriter& json) {
  json.BeginObject();
  for (const auto& label : labels) json.Member(label.name, label.value);
  json.EndObject();
}

void WriteExemplars(const SeriesView& labels, const std::vector<model::Exemplar>& exemplars,
                    JsonWriter& json) {
  json.BeginObject();
  json.Key("seriesLabels");
  WriteLabelPairs(labels, json);
  json.Key("exemplars");
  json.BeginArray();
  for (const model::Exemplar& exemplar : exemplars) {
    json.BeginObject();
    json.Key("labels");
    WriteLabelPairs(exemplar.labels, json);
    json.Key("value");
    json.SampleValue(exemplar.value);
    json.Key("timestamp");
    json.Time(exemplar.ts_ms);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

}  // namespace

ExemplarsApi::ExemplarsApi(const store::Queryable& queryable, const promql::Engine& engine,
                           std::string tenant, prometheus::Registry& registry)
    : queryable_(queryable),
      engine_(engine),
      tenant_(std::move(tenant)),
      requests_(prometheus::BuildCounter()
                    .Name("leadline_collector_exemplars_requests_total")
                    .Help("Requests for exemplars, by result: success or the type of the error.")
                    .Register(registry)) {}

void ExemplarsApi::AddRoutes(http::Router& router) const {
  using Kind = http::Parameter::Kind;
  using Presence = http::Parameter::Presence;
  for (const char* method : {"GET", "POST"}) {
    router.Add({.method = method,
                .pattern = "/api/v1/query_exemplars",
                .about = {"Exemplars of the series that a query's selectors name.",
                          {{"query", Kind::kText, Presence::kRequired, "In PromQL."},
                           {"start", Kind::kTime, Presence::kOptional, "The first time."},
                           {"end", Kind::kTime, Presence::kOptional, "The last time."},
                           {"limit", Kind::kCount, Presence::kOptional,
                            "Those of no more than so many series; 0 for all."},
                           {"timeout", Kind::kDuration, Presence::kOptional,
                            "After which it is given up."}},
                          "Exemplars"},
                .handler = [this](const http::Request& request) { return Exemplars(request); },
                .load = http::Load::kHeavy});
  }
}

http::Response ExemplarsApi::Exemplars(const http::Request& request) const {
  http::Response response;
  const absl::Status status = Answer(request, response);
  const std::string_view outcome = status.ok() ? "success" : KindOf(status).type;
  requests_.Add({{"result", std::string(outcome)}}).Increment();
  return status.ok() ? std::move(response) : Error(status);
}

absl::Status ExemplarsApi::Answer(const http::Request& request, http::Response& response) const {
  const http::Params params = http::RequestParams(request);
  LL_ASSIGN_OR_RETURN(const int64_t start_ms, TimeParamOr(params, "start", -kFarMs));
  LL_ASSIGN_OR_RETURN(const int64_t end_ms, TimeParamOr(params, "end", kFarMs));
  if (end_ms < start_ms) {
    return absl::InvalidArgumentError("end timestamp must not be before start timestamp");
  }
  const std::string_view query = params.First("query").value_or("");
  auto selectors = promql::ParseQuerySelectors(query);
  if (!selectors.ok()) return AboutQuery(selectors.status());
  LL_ASSIGN_OR_RETURN(const size_t limit, LimitParam(params));
  promql::QueryOptions options;
  options.cancelled = request.cancelled.get();
  LL_ASSIGN_OR_RETURN(options.timeout, DurationParamOr(params, "timeout", options.timeout));

  store::SeriesFilter filter{.selectors = *std::move(selectors),
                             .start_ms = start_ms - kAroundMs,
                             .end_ms = end_ms + kAroundMs};
  const auto take = [&](absl::Span<const SeriesView> series) -> absl::Status {
    LL_ASSIGN_OR_RETURN(ExemplarsBySeries found, FindExemplars(queryable_, tenant_, series,
                                                               start_ms, end_ms, filter.limits));
    promql::Annotations annotations;
    if (limit > 0 && found.size() > limit) {
      found.erase(std::next(found.begin(), static_cast<ptrdiff_t>(limit)), found.end());
      annotations.warnings.insert("results truncated due to limit");
    }
    const uint64_t bytes = AnswerBytes(series, found);
    LL_RETURN_IF_ERROR(filter.limits.memory->Take(bytes));
    response = Success(
        [&](JsonWriter& json) {
          json.Reserve(bytes);
          json.BeginArray();
          for (const auto& [number, exemplars] : found) {
            WriteExemplars(series[number], exemplars, json);
          }
          json.EndArray();
        },
        annotations);
    LL_ASSIGN_OR_RETURN(response.keeps, engine_.Hold(bytes));
    return absl::OkStatus();
  };
  return engine_.AskStore(
      tenant_, fmt::format("{} {}", request.path, query), start_ms, end_ms, options,
      [&](const store::CallLimits& limits) -> absl::Status {
        filter.limits = limits;
        // No selector would be all series.
        return filter.selectors.empty() ? take({}) : queryable_.UseSeries(tenant_, filter, take);
      });
}

}  // namespace leadline::collector::api
