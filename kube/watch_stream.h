// One watch, from the request to its end.
//
// Used by one thread. Source: Kubernetes API concepts, "Efficient detection of changes".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

#include "kube/http_session.h"
#include "kube/resource.h"
#include "kube/watch_decoder.h"

namespace leadline::kube {

enum class WatchEnd : uint8_t {
  kClosed,      // the server ended it, as it does after timeoutSeconds
  kGone,        // the version is too old
  kUnreadable,  // no JSON, or a line over the limit: what it said is lost
  kTruncated,   // ended within a line
  kSilent,
  kBrokenOff,  // connection refused, reset, ...
  kRefused,    // another HTTP status or ERROR event
  kStopped,    // HttpSession::Stop
};

// As a metric's label: "closed", "broken_off", ...
std::string_view WatchEndName(WatchEnd end);

struct WatchResult {
  WatchEnd end = WatchEnd::kClosed;
  absl::Status status;         // OK for kClosed only
  int64_t retry_after_ms = 0;  // what the server asked for; 0 where it did not

  // Whether a watch from the last version that was seen would miss something, or be refused again.
  bool MustList() const;
};

struct WatchRequest {
  std::string resource_version;  // to watch from
  int timeout_s = 300;           // after which the server ends the watch
  // Neither event nor bookmark for so long ends it as kSilent.
  int64_t max_silence_ms = 180'000;
  size_t max_event_bytes = size_t{16} << 20;
};

// Calls `on_event` for every event in order, that of an error included, until the watch ends.
WatchResult ReadWatch(HttpSession& session, const Resource& resource, const WatchRequest& request,
                      absl::FunctionRef<void(WatchEvent)> on_event);

}  // namespace leadline::kube
