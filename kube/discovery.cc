#include "kube/discovery.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "common/status_macros.h"
#include "kube/json.h"
#include "kube/url.h"

namespace leadline::kube {
namespace {

namespace json = boost::json;

constexpr size_t kMaxBytes = size_t{8} << 20;

// "/apis/batch" of "batch/v1", "/api" of "v1".
std::string RootOf(const std::string& api_version) {
  const size_t slash = api_version.find('/');
  if (slash == std::string::npos) return "/api";
  return fmt::format("/apis/{}", PercentEncode(std::string_view(api_version).substr(0, slash)));
}

template <typename Map>
const auto* Fresh(const Map& map, const std::string& key, int64_t now_ns) {
  const auto found = map.find(key);
  return found == map.end() || found->second.until_mono_ns < now_ns ? nullptr
                                                                    : &found->second.value;
}

template <typename Map, typename T>
const T* Keep(Map& map, const std::string& key, T value, int64_t now_ns) {
  if (map.size() >= Discovery::kMaxKept) map.clear();
  auto& kept = map[key];
  kept = {now_ns + Discovery::kTtlMs * 1'000'000, std::move(value)};
  return &kept.value;
}

}  // namespace

absl::StatusOr<ServedResource> Discovery::Find(const std::string& api_version,
                                               const std::string& kind) {
  const std::optional<std::string> group_path = GroupPath(api_version);
  const auto builtin = BuiltinResource(api_version, kind);
  if (group_path && builtin && Fresh(kinds_, *group_path, clock_.NowMonoNs()) == nullptr) {
    return ServedResource{*group_path, *builtin};
  }
  return FindServed(api_version, kind);
}

absl::StatusOr<ServedResource> Discovery::FindServed(const std::string& api_version,
                                                     const std::string& kind) {
  const std::optional<std::string> named = GroupPath(api_version);
  if (!named) {
    return absl::UnimplementedError(
        fmt::format("\"{}\" of {} is no API version", api_version, kind));
  }
  const auto look = [&](const std::string& path) -> absl::StatusOr<std::optional<ServedResource>> {
    LL_ASSIGN_OR_RETURN(const Kinds* kinds, KindsOf(path));
    const auto found = kinds->find(kind);
    if (found == kinds->end()) return std::nullopt;
    return ServedResource{path, found->second};
  };
  LL_ASSIGN_OR_RETURN(std::optional<ServedResource> served, look(*named));
  if (served) return *std::move(served);
  LL_ASSIGN_OR_RETURN(const std::vector<std::string>* kept, PathsOf(api_version));
  const std::vector<std::string> paths = *kept;  // asking for kinds may let go of what was kept
  for (const std::string& path : paths) {
    if (path == *named) continue;
    LL_ASSIGN_OR_RETURN(served, look(path));
    if (served) return *std::move(served);
  }
  return absl::UnimplementedError(
      fmt::format("the server has no {} in {} or another version of it", kind, api_version));
}

absl::StatusOr<const Discovery::Kinds*> Discovery::KindsOf(const std::string& group_path) {
  if (const Kinds* known = Fresh(kinds_, group_path, clock_.NowMonoNs())) return known;
  auto kinds = AskKinds(group_path);
  if (kinds.status().code() == absl::StatusCode::kNotFound) kinds = Kinds();
  LL_RETURN_IF_ERROR(kinds.status());
  return Keep(kinds_, group_path, *std::move(kinds), clock_.NowMonoNs());
}

absl::StatusOr<const std::vector<std::string>*> Discovery::PathsOf(const std::string& api_version) {
  const std::string root = RootOf(api_version);
  if (const auto* known = Fresh(paths_, root, clock_.NowMonoNs())) return known;
  auto paths = AskPaths(root);
  if (paths.status().code() == absl::StatusCode::kNotFound) paths = std::vector<std::string>();
  LL_RETURN_IF_ERROR(paths.status());
  return Keep(paths_, root, *std::move(paths), clock_.NowMonoNs());
}

absl::StatusOr<Discovery::Kinds> Discovery::AskKinds(const std::string& group_path) {
  LL_ASSIGN_OR_RETURN(
      const std::string body,
      session_.GetBody({.target = group_path, .max_silence_ms = kObjectMaxSilenceMs}, kMaxBytes));
  LL_ASSIGN_OR_RETURN(const json::value document, ParseJson(body));
  Kinds by_kind;
  FieldReader reader;
  const json::array* resources = reader.Array(reader.Root(document), "resources");
  LL_RETURN_IF_ERROR(reader.status());
  if (resources == nullptr) return by_kind;
  for (const json::value& element : *resources) {
    const json::object* resource = reader.Root(element);
    const std::string_view plural = reader.String(resource, "name");
    // "deployments/status" is a subresource.
    if (plural.empty() || plural.find('/') != std::string_view::npos) continue;
    by_kind.try_emplace(std::string(reader.String(resource, "kind")),
                        ResourceName{std::string(plural), reader.Bool(resource, "namespaced")});
  }
  LL_RETURN_IF_ERROR(reader.status());
  return by_kind;
}

// The preferred version first.
absl::StatusOr<std::vector<std::string>> Discovery::AskPaths(const std::string& root) {
  LL_ASSIGN_OR_RETURN(
      const std::string body,
      session_.GetBody({.target = root, .max_silence_ms = kObjectMaxSilenceMs}, kMaxBytes));
  LL_ASSIGN_OR_RETURN(const json::value document, ParseJson(body));
  FieldReader reader;
  const json::object* group = reader.Root(document);
  const std::string_view preferred =
      reader.String(reader.Object(group, "preferredVersion"), "version");
  std::vector<std::string> versions;
  if (const json::array* served = reader.Array(group, "versions")) {
    for (const json::value& version : *served) {
      // The core group has mere names.
      versions.emplace_back(version.is_string() ? std::string_view(version.get_string())
                                                : reader.String(reader.Root(version), "version"));
    }
  }
  LL_RETURN_IF_ERROR(reader.status());
  std::stable_partition(versions.begin(), versions.end(),
                        [&](const std::string& version) { return version == preferred; });
  for (std::string& version : versions) {
    version = fmt::format("{}/{}", root, PercentEncode(version));
  }
  return versions;
}

}  // namespace leadline::kube
