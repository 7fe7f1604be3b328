#include "kube/metadata_source.h"

#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "common/status_macros.h"
#include "kube/json.h"

namespace leadline::kube {
namespace {

namespace json = boost::json;

constexpr size_t kMaxObjectBytes = size_t{8} << 20;
constexpr size_t kMaxDiscoveryBytes = size_t{8} << 20;
constexpr int64_t kMaxSilenceMs = 10'000;
constexpr int kNotAcceptable = 406;

constexpr char kPartialMetadata[] =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

absl::StatusOr<ObjectMeta> DecodeMeta(std::string_view body) {
  LL_ASSIGN_OR_RETURN(const json::value document, ParseJson(body));
  FieldReader reader;
  ObjectMeta meta = ReadMeta(reader, reader.Root(document));
  if (!reader.status().ok()) return reader.status();
  return meta;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ApiMetadataSource>> ApiMetadataSource::Open(
    const ClientConfig& config, const Clock& clock) {
  LL_ASSIGN_OR_RETURN(std::unique_ptr<HttpSession> session, HttpSession::Open(config));
  return std::unique_ptr<ApiMetadataSource>(new ApiMetadataSource(std::move(session), clock));
}

absl::StatusOr<ObjectMeta> ApiMetadataSource::Get(const Owner& object,
                                                  const std::string& namespace_name) {
  const std::optional<std::string> group_path = GroupPath(object.api_version);
  if (!group_path) {
    return absl::UnimplementedError(fmt::format("\"{}\" of {} {} is no API version",
                                                object.api_version, object.kind, object.name));
  }
  LL_ASSIGN_OR_RETURN(const ResourceName resource, FindResource(object, *group_path));
  HttpRequest request{.target = ObjectPath(*group_path, resource, namespace_name, object.name),
                      .accept = kPartialMetadata,
                      .max_silence_ms = kMaxSilenceMs};
  HttpResponse response;
  auto body = session_->GetBody(request, kMaxObjectBytes, &response);
  if (!body.ok() && response.status == kNotAcceptable) {
    request.accept = "application/json";
    body = session_->GetBody(request, kMaxObjectBytes);
  }
  if (!body.ok()) return body.status();
  return DecodeMeta(*body);
}

absl::StatusOr<ResourceName> ApiMetadataSource::FindResource(const Owner& object,
                                                             const std::string& group_path) {
  if (auto builtin = BuiltinResource(object.api_version, object.kind)) return *builtin;
  auto known = discovered_.find(group_path);
  if (known == discovered_.end() || known->second.until_mono_ns < clock_.NowMonoNs()) {
    auto by_kind = Discover(group_path);
    if (!by_kind.ok()) {
      if (by_kind.status().code() != absl::StatusCode::kNotFound) return by_kind.status();
      by_kind = StringMap<ResourceName>();
    }
    if (discovered_.size() >= kMaxDiscovered) discovered_.clear();
    discovered_[group_path] = {clock_.NowMonoNs() + kDiscoveryTtlMs * 1'000'000,
                               *std::move(by_kind)};
    known = discovered_.find(group_path);
  }
  const auto found = known->second.by_kind.find(object.kind);
  if (found == known->second.by_kind.end()) {
    return absl::UnimplementedError(
        fmt::format("the server has no {} in {}", object.kind, object.api_version));
  }
  return found->second;
}

absl::StatusOr<StringMap<ResourceName>> ApiMetadataSource::Discover(const std::string& group_path) {
  LL_ASSIGN_OR_RETURN(const std::string body,
                      session_->GetBody({.target = group_path, .max_silence_ms = kMaxSilenceMs},
                                        kMaxDiscoveryBytes));
  LL_ASSIGN_OR_RETURN(const json::value document, ParseJson(body));
  StringMap<ResourceName> by_kind;
  FieldReader reader;
  const json::array* resources = reader.Array(reader.Root(document), "resources");
  if (resources == nullptr) return by_kind;
  for (const json::value& element : *resources) {
    const json::object* resource = reader.Root(element);
    const std::string_view plural = reader.String(resource, "name");
    // "deployments/status" is a subresource.
    if (plural.empty() || plural.find('/') != std::string_view::npos) continue;
    by_kind.try_emplace(std::string(reader.String(resource, "kind")),
                        ResourceName{std::string(plural), reader.Bool(resource, "namespaced")});
  }
  if (!reader.status().ok()) return reader.status();
  return by_kind;
}

}  // namespace leadline::kube
