#include "collector/api/entities_api.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include <fmt/format.h>

#include "catalogue/metrics.h"
#include "collector/api/params.h"
#include "collector/api/response.h"
#include "collector/store/record/rows.h"
#include "common/status_macros.h"

namespace leadline::collector::api {
namespace {

std::string TimeText(int64_t unix_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(unix_ms),
                          absl::UTCTimeZone());
}

std::optional<Id128> IdOfHex(std::string_view text) {
  constexpr size_t kHexBytes = 32;
  if (text.size() != kHexBytes || !std::all_of(text.begin(), text.end(), absl::ascii_isxdigit)) {
    return std::nullopt;
  }
  return Id128::FromBytes(absl::HexStringToBytes(std::string(text)));
}

void WriteVersion(const model::EntityVersion& version, JsonWriter& json) {
  json.BeginObject();
  json.Member("id", version.id.ToHex());
  json.Member("kind", catalogue::EntityKindName(version.kind));
  json.Member("start", TimeText(version.start_ms));
  if (version.end_ms != model::kOpenEnd) json.Member("end", TimeText(version.end_ms));
  json.Member("validFrom", TimeText(version.valid_from_ms));
  json.Key("labels");
  WriteLabels(version.labels, json);
  json.Key("kubernetesLabels");
  WriteLabels(version.kubernetes_labels, json);
  json.EndObject();
}

http::Response AnswerVersions(const absl::StatusOr<std::vector<model::EntityVersion>>& versions,
                              std::vector<std::string> gaps) {
  if (!versions.ok()) return Error(versions.status());
  promql::Annotations annotations;
  annotations.warnings.insert(gaps.begin(), gaps.end());
  return Success(
      [&](JsonWriter& json) {
        json.BeginArray();
        for (const model::EntityVersion& version : *versions) WriteVersion(version, json);
        json.EndArray();
      },
      annotations);
}

}  // namespace

void EntitiesApi::AddRoutes(http::Router& router) const {
  using Kind = http::Parameter::Kind;
  router.Add({.method = "GET",
              .pattern = "/api/v2/entities",
              .about = {"The entities (containers, pods, processes, nodes) that lived at a time, "
                        "with the labels that they had then.",
                        {{"time", Kind::kTime, {}, "When; now where it is missing."},
                         {"kind", Kind::kText, {}, "Of this kind only, as container."}},
                        "EntityVersions"},
              .handler = [this](const http::Request& request) { return At(request); },
              .load = http::Load::kHeavy});
  router.Add({.method = "GET",
              .pattern = "/api/v2/entities/{id}/versions",
              .about = {"What was learned of an entity, in the order of its time: its labels as "
                        "they changed, and its end.",
                        {{"start", Kind::kTime, {}, "From here on."},
                         {"end", Kind::kTime, {}, "Up to here."}},
                        "EntityVersions"},
              .handler = [this](const http::Request& request) { return Versions(request); },
              .load = http::Load::kHeavy});
}

http::Response EntitiesApi::At(const http::Request& request) const {
  const http::Params params = http::RequestParams(request);
  const auto t_ms = TimeParamOr(params, "time", clock_.NowUnixMs());
  if (!t_ms.ok()) return Error(t_ms.status());
  const std::string_view kind = params.First("kind").value_or("");
  auto versions = queryable_.EntitiesAt(tenant_, *t_ms);
  if (versions.ok() && !kind.empty()) {
    std::erase_if(*versions, [&](const model::EntityVersion& version) {
      return catalogue::EntityKindName(version.kind) != kind;
    });
  }
  return AnswerVersions(versions, queryable_.Gaps(*t_ms, *t_ms));
}

http::Response EntitiesApi::Versions(const http::Request& request) const {
  const std::string& text = request.captures.front();
  const auto id = IdOfHex(text);
  if (!id.has_value()) {
    return Error(BadParameter("id", "it is not an entity's id, 32 hexadecimal digits"));
  }
  const auto ask = [&]() -> absl::StatusOr<std::vector<model::EntityVersion>> {
    const http::Params params = http::RequestParams(request);
    store::RecordFilter filter{.table = model::RecordTable::kEntityVersions,
                               .key = store::record::KeyOfEntity(*id)};
    LL_ASSIGN_OR_RETURN(filter.start_ms, TimeParamOr(params, "start", 0));
    LL_ASSIGN_OR_RETURN(filter.end_ms, TimeParamOr(params, "end", model::kOpenEnd));
    LL_RETURN_IF_ERROR(InOrder(filter.start_ms, filter.end_ms));
    LL_ASSIGN_OR_RETURN(const std::vector<model::Record> records,
                        queryable_.Records(tenant_, filter));
    std::vector<model::EntityVersion> versions;
    for (const model::Record& record : records) {
      auto version = store::record::AsEntityVersion(record);
      if (!version.has_value()) {
        return absl::DataLossError(fmt::format("a malformed version of entity {}", text));
      }
      versions.push_back(*std::move(version));
    }
    return versions;
  };
  return AnswerVersions(ask(), {});
}

}  // namespace leadline::collector::api
