#include "kube/watch_decoder.h"

#include <utility>

#include <boost/json.hpp>

#include "common/status_macros.h"
#include "kube/http_session.h"
#include "kube/json.h"

namespace leadline::kube {
namespace {

namespace json = boost::json;

WatchEventType TypeOf(std::string_view name) {
  if (name == "ADDED") return WatchEventType::kAdded;
  if (name == "MODIFIED") return WatchEventType::kModified;
  if (name == "DELETED") return WatchEventType::kDeleted;
  if (name == "BOOKMARK") return WatchEventType::kBookmark;
  if (name == "ERROR") return WatchEventType::kError;
  return WatchEventType::kUnknown;
}

absl::Status ErrorOf(const json::object& status, const Resource& resource) {
  const json::value* code = status.if_contains("code");
  json::error_code none;
  const int http_status = code == nullptr ? 0 : code->to_number<int>(none);
  return StatusFromHttp(resource.path, none ? 0 : http_status, json::serialize(status));
}

}  // namespace

std::string_view WatchEventTypeName(WatchEventType type) {
  switch (type) {
    case WatchEventType::kAdded:
      return "added";
    case WatchEventType::kModified:
      return "modified";
    case WatchEventType::kDeleted:
      return "deleted";
    case WatchEventType::kBookmark:
      return "bookmark";
    case WatchEventType::kError:
      return "error";
    case WatchEventType::kUnknown:
      break;
  }
  return "unknown";
}

absl::StatusOr<WatchEvent> DecodeWatchEvent(std::string_view line, const Resource& resource) {
  LL_ASSIGN_OR_RETURN(const json::value document, ParseJson(line));
  FieldReader reader;
  const json::object* root = reader.Root(document);
  const std::string_view type = reader.Required(root, "type");
  const json::object* object = reader.Object(root, "object");
  if (!reader.status().ok()) return reader.status();
  if (object == nullptr) return absl::InvalidArgumentError("field \"object\" is missing");

  WatchEvent event{.type = TypeOf(type)};
  if (event.type == WatchEventType::kError) {
    event.error = ErrorOf(*object, resource);
    return event;
  }
  FieldReader version;
  event.resource_version = version.String(version.Object(object, "metadata"), "resourceVersion");
  if (event.type == WatchEventType::kBookmark || event.type == WatchEventType::kUnknown) {
    return event;
  }
  auto decoded = resource.decode(*root->if_contains("object"));
  if (decoded.ok()) {
    event.object = *std::move(decoded);
  } else {
    event.bad_object = decoded.status();
  }
  return event;
}

}  // namespace leadline::kube
