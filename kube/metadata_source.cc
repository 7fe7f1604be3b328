#include "kube/metadata_source.h"

#include <utility>

#include <boost/json.hpp>

#include "common/status_macros.h"
#include "kube/json.h"
#include "kube/resource_path.h"

namespace leadline::kube {
namespace {

namespace json = boost::json;

constexpr size_t kMaxObjectBytes = size_t{8} << 20;
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
  LL_ASSIGN_OR_RETURN(const ServedResource named, discovery_.Find(object.api_version, object.kind));
  auto meta = GetAt(named, namespace_name, object.name);
  if (meta.status().code() != absl::StatusCode::kNotFound) return meta;
  // Either the object is gone, or the version that its owner reference names.
  const auto served = discovery_.FindServed(object.api_version, object.kind);
  if (served.status().code() == absl::StatusCode::kCancelled) return served.status();
  if (!served.ok() || *served == named) return meta;
  return GetAt(*served, namespace_name, object.name);
}

absl::StatusOr<ObjectMeta> ApiMetadataSource::GetAt(const ServedResource& resource,
                                                    const std::string& namespace_name,
                                                    const std::string& name) {
  HttpRequest request{
      .target = ObjectPath(resource.group_path, resource.name, namespace_name, name),
      .accept = kPartialMetadata,
      .max_silence_ms = kObjectMaxSilenceMs};
  HttpResponse response;
  auto body = session_->GetBody(request, kMaxObjectBytes, &response);
  if (!body.ok() && response.status == kNotAcceptable) {
    request.accept = "application/json";
    body = session_->GetBody(request, kMaxObjectBytes);
  }
  if (!body.ok()) return body.status();
  return DecodeMeta(*body);
}

}  // namespace leadline::kube
