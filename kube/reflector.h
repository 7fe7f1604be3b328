// Keeps up with the objects of one kind: lists them, then watches, for ever.
//
// A thread of its own calls the handler with every change in order. After a break-off it resumes
// from the last resourceVersion, bookmarks included; when that is too old (410, as an HTTP status
// or as an ERROR event), or the stream could not be read, it lists anew and delivers the
// differences, so that what vanished meanwhile is deleted. Attempts that fail are repeated with
// growing pauses.
//
// Bounds: ReflectorOptions. Errors: none reach the caller; they are logged when they change and
// counted. Source: Kubernetes API concepts; client-go's reflector for which versions to list at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"

#include "common/clock.h"
#include "kube/backoff.h"
#include "kube/client_config.h"
#include "kube/event.h"
#include "kube/lister.h"
#include "kube/metrics.h"
#include "kube/resource.h"

namespace leadline::kube {

struct ReflectorOptions {
  ListOptions list;
  // The server ends a watch after a time drawn evenly from [watch_timeout_s, 2 * watch_timeout_s].
  int watch_timeout_s = 300;
  // A watch with neither events nor bookmarks (about one a minute) for so long is given up.
  int64_t watch_max_silence_ms = 180'000;
  size_t max_event_bytes = size_t{16} << 20;
  BackoffOptions backoff;
  uint64_t seed = 0;  // of the jitter
};

class Reflector {
 public:
  // Called on the reflector's thread. May wait (the server's stream then waits too), but must
  // return once the owner is about to stop the reflector.
  using Handler = std::function<void(Event)>;

  // Everything passed in by reference outlives the reflector. INVALID_ARGUMENT as from Validate,
  // RESOURCE_EXHAUSTED for want of threads.
  static absl::StatusOr<std::unique_ptr<Reflector>> Start(
      const ClientConfig& client, Resource resource, ReflectorOptions options, const Clock& clock,
      std::unique_ptr<Pauser> pauser, ReflectorMetrics metrics, Handler handler);
  // Stops at once and waits for the thread.
  ~Reflector();

 private:
  class Loop;
  explicit Reflector(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
};

}  // namespace leadline::kube
