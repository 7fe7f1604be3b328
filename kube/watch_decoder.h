// The events of a watch: one JSON document a line, as {"type": "ADDED", "object": {...}}.
//
// Not thread-safe. Source: Kubernetes API concepts, "Efficient detection of changes".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "kube/object.h"
#include "kube/resource.h"

namespace leadline::kube {

enum class WatchEventType : uint8_t { kAdded, kModified, kDeleted, kBookmark, kError, kUnknown };

// As a metric's label: "added", "unknown", ...
std::string_view WatchEventTypeName(WatchEventType type);

struct WatchEvent {
  WatchEventType type = WatchEventType::kUnknown;
  // Added, modified, deleted; nullptr where the object could not be decoded: see `bad_object`.
  std::shared_ptr<const Object> object;
  absl::Status bad_object;
  std::string resource_version;  // also of a bookmark and of a bad object; "" where there is none
  absl::Status error;            // kError: as StatusFromHttp has the Status object's code
};

// INVALID_ARGUMENT when the line is no watch event at all.
absl::StatusOr<WatchEvent> DecodeWatchEvent(std::string_view line, const Resource& resource);

}  // namespace leadline::kube
