#include "collector/api/metadata_api.h"

#include <cstdint>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "collector/api/label_escaping.h"
#include "collector/api/params.h"
#include "collector/api/response.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace leadline::collector::api {
namespace {

using SeriesView = store::Queryable::SeriesView;

// About, in an answer.
uint64_t JsonBytes(std::string_view text) { return text.size() + 3; }
uint64_t JsonBytes(const SeriesView& labels) {
  uint64_t bytes = 3;
  for (const LabelView& label : labels) bytes += label.name.size() + label.value.size() + 6;
  return bytes;
}
// What else is in it.
constexpr size_t kRoomBytes = 128;

// What is told of it while it runs.
std::string TextOf(const http::Request& request, const http::Params& params) {
  std::string text = request.path;
  for (const std::string& match : params.All("match[]")) text += " " + match;
  return text;
}

void WriteString(std::string_view text, JsonWriter& json) { json.String(text); }

void WriteSeries(const SeriesView& labels, JsonWriter& json) {
  json.BeginObject();
  for (const LabelView& label : labels) json.Member(label.name, label.value);
  json.EndObject();
}

// By metric, what is said of it, each once.
using Descriptions = std::map<std::string, std::vector<model::MetricMetadata::Entry>, std::less<>>;

// Ours first, then what others say of the metrics that they write.
Descriptions Describe(std::string_view wanted, const model::MetricMetadata::Entries& of_others) {
  Descriptions all;
  for (auto& [metric, entry] : model::CatalogueMetadata(wanted)) {
    all[metric].push_back(entry);
  }
  for (const auto& [metric, entry] : of_others) {
    auto& entries = all[metric];
    if (entries.empty() || entries.front() != entry) entries.push_back(entry);
  }
  return all;
}

// No more than `limit` of them; 0 for all.
void WriteEntries(const std::vector<model::MetricMetadata::Entry>& entries, size_t limit,
                  JsonWriter& json) {
  json.BeginArray();
  size_t written = 0;
  for (const model::MetricMetadata::Entry& entry : entries) {
    if (limit > 0 && written++ == limit) break;
    json.BeginObject();
    json.Member("type", entry.type);
    json.Member("help", entry.help);
    json.Member("unit", entry.unit);
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

MetadataApi::MetadataApi(const store::Queryable& queryable, const promql::Engine& engine,
                         std::string tenant, const model::MetricMetadata* described,
                         prometheus::Registry& registry)
    : queryable_(queryable),
      engine_(engine),
      tenant_(std::move(tenant)),
      described_(described),
      requests_(
          prometheus::BuildCounter()
              .Name("leadline_collector_series_requests_total")
              .Help("Requests for series and labels, by what they ask for and result: success "
                    "or the type of the error.")
              .Register(registry)) {}

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
  const http::Parameter timeout{"timeout", Kind::kDuration, Presence::kOptional,
                                "After which it is given up."};
  for (const char* method : {"GET", "POST"}) {
    router.Add({.method = method,
                .pattern = "/api/v1/labels",
                .about = {"The names of labels.", {match, start, end, limit, timeout}, "Strings"},
                .handler = [this](const http::Request& request) { return Labels(request); },
                .load = http::Load::kHeavy});
    router.Add({.method = method,
                .pattern = "/api/v1/series",
                .about = {"The series that match, as their labels.",
                          {match, start, end, limit, timeout},
                          "Series"},
                .handler = [this](const http::Request& request) { return Series(request); },
                .load = http::Load::kHeavy});
  }
  router.Add({.method = "GET",
              .pattern = "/api/v1/label/{name}/values",
              .about = {"The values of a label.", {match, start, end, limit, timeout}, "Strings"},
              .handler = [this](const http::Request& request) { return LabelValues(request); },
              .load = http::Load::kHeavy});
  router.Add(
      {.method = "GET",
       .pattern = "/api/v1/metadata",
       .about = {"Type, help and unit of the metrics that Leadline writes itself, and of those "
                 "whose writers say it.",
                 {{"metric", Kind::kText, {}, "Of this one only."},
                  {"limit", Kind::kCount, {}, "Of no more than so many metrics."},
                  {"limit_per_metric", Kind::kCount, {}, "No more than so many of each."}},
                 "Metadata"},
       .handler = [this](const http::Request& request) { return MetricMetadata(request); }});
}

template <typename T>
http::Response MetadataApi::Answer(const http::Request& request, std::string_view call,
                                   bool needs_match, Ask<T> ask,
                                   absl::FunctionRef<void(const T&, JsonWriter&)> write) const {
  const http::Params params = http::RequestParams(request);
  http::Response response;
  const auto answer = [&]() -> absl::Status {
    LL_ASSIGN_OR_RETURN(store::SeriesFilter filter, FilterParams(params, needs_match));
    LL_ASSIGN_OR_RETURN(const size_t limit, LimitParam(params));
    promql::QueryOptions options;
    options.cancelled = request.cancelled.get();
    LL_ASSIGN_OR_RETURN(options.timeout, DurationParamOr(params, "timeout", options.timeout));
    filter.limit = limit == 0 ? 0 : limit + 1;
    const auto take = [&](absl::Span<const T> all) -> absl::Status {
      promql::Annotations annotations;
      if (limit > 0 && all.size() > limit) {
        all = all.first(limit);
        annotations.warnings.insert("results truncated due to limit");
      }
      uint64_t bytes = 0;
      for (const T& one : all) bytes += JsonBytes(one);
      LL_RETURN_IF_ERROR(filter.limits.memory->Take(bytes));
      response = Success(
          [&](JsonWriter& json) {
            json.Reserve(bytes + kRoomBytes);
            json.BeginArray();
            for (const T& one : all) write(one, json);
            json.EndArray();
          },
          annotations);
      LL_ASSIGN_OR_RETURN(response.keeps, engine_.Hold(bytes));
      return absl::OkStatus();
    };
    return engine_.AskStore(tenant_, TextOf(request, params), filter.start_ms, filter.end_ms,
                            options, [&](const store::CallLimits& limits) {
                              filter.limits = limits;
                              return ask(filter, take);
                            });
  };
  const absl::Status status = answer();
  const std::string_view outcome = status.ok() ? "success" : KindOf(status).type;
  requests_.Add({{"call", std::string(call)}, {"result", std::string(outcome)}}).Increment();
  return status.ok() ? std::move(response) : Error(status);
}

http::Response MetadataApi::Labels(const http::Request& request) const {
  return Answer<std::string_view>(
      request, "labels", /*needs_match=*/false,
      [&](const store::SeriesFilter& filter, Take<std::string_view> take) {
        return queryable_.UseLabelNames(tenant_, filter, take);
      },
      WriteString);
}

http::Response MetadataApi::LabelValues(const http::Request& request) const {
  const std::string name = UnescapeLabelName(request.captures.front());
  return Answer<std::string_view>(
      request, "label_values", /*needs_match=*/false,
      [&](const store::SeriesFilter& filter, Take<std::string_view> take) -> absl::Status {
        if (!IsValidUtf8(name)) {
          return absl::InvalidArgumentError(
              fmt::format("invalid label name: \"{}\"", ToValidUtf8(name)));
        }
        return queryable_.UseLabelValues(tenant_, name, filter, take);
      },
      WriteString);
}

http::Response MetadataApi::Series(const http::Request& request) const {
  return Answer<SeriesView>(
      request, "series", /*needs_match=*/true,
      [&](const store::SeriesFilter& filter, Take<SeriesView> take) {
        return queryable_.UseSeries(tenant_, filter, take);
      },
      WriteSeries);
}

http::Response MetadataApi::MetricMetadata(const http::Request& request) const {
  const http::Params params = http::RequestParams(request);
  const auto limit = LimitParam(params);
  if (!limit.ok()) return Error(limit.status());
  const auto limit_per_metric = LimitParam(params, "limit_per_metric");
  if (!limit_per_metric.ok()) return Error(limit_per_metric.status());
  const std::string_view wanted = params.First("metric").value_or("");
  const Descriptions all =
      Describe(wanted, described_ == nullptr ? model::MetricMetadata::Entries()
                                             : described_->Get(tenant_, wanted));
  return Success([&](JsonWriter& json) {
    json.BeginObject();
    size_t written = 0;
    for (const auto& [metric, entries] : all) {
      if (*limit > 0 && written == *limit) break;
      json.Key(metric);
      WriteEntries(entries, *limit_per_metric, json);
      ++written;
    }
    json.EndObject();
  });
}

}  // namespace leadline::collector::api
