// Watches pods and their owners: an agent those of its node, the collector all.
//
//   LL_ASSIGN_OR_RETURN(auto watcher, PodWatcher::Start(options, registry));
//   ... for (PodEvent& event : watcher->Take(1024)) resolver.OnEvent(event, now_ms);
//
// Two threads of its own: one lists and watches the pods, one looks up their owners.
// They hand events over by a bounded queue; when it is full they wait, and the API server's stream
// waits with them, so that nothing is lost. Owners are looked up once per owner, not per pod.
// Take may be called from any thread; `on_event` is called from the watcher's threads.
//
// Errors: Start fails only for a configuration that cannot work, and for want of threads. A server
// that is absent, refuses or breaks off is tried again with growing pauses; the log and the
// metrics of the Kubernetes client say so.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "kube/client_config.h"
#include "kube/pods/pod_event.h"
#include "kube/reflector.h"

namespace prometheus {
class Registry;
}

namespace leadline::kube::pods {

class PodWatcher {
 public:
  struct Options {
    kube::ClientConfig client;
    std::string node;             // spec.nodeName; "" for the pods of all nodes
    bool addresses_only = false;  // see Resource PodAddresses
    std::string metrics_prefix;   // see kube/metrics.h
    size_t queue_capacity = 4096;
    size_t max_owner_requests = 65'536;
    kube::ReflectorOptions reflector;  // its seed is drawn where it is 0
    // Called after events were queued; must not block. For instance writes to an eventfd.
    std::function<void()> on_event;
  };

  // `registry` outlives the watcher.
  static absl::StatusOr<std::unique_ptr<PodWatcher>> Start(Options options,
                                                           prometheus::Registry& registry);
  // Stops both threads at once, also in the middle of a transfer or a pause.
  virtual ~PodWatcher() = default;

  // At most `max` events in the order of their arrival; does not wait.
  virtual std::vector<PodEvent> Take(size_t max) = 0;
  // True from the first complete list on.
  virtual bool synced() const = 0;
};

}  // namespace leadline::kube::pods
