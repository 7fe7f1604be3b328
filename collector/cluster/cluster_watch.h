// Keeps a directory up to date with the API of its cluster: one watch of all pods, one of services,
// one of endpoint slices, and a request for each owner of pods.
//
// Five threads of its own. What may not be listed, or is not served, is tried again with growing
// pauses, is logged once and counted (leadline_collector_kube_lists_total); the rest goes on
// without.
//
// Errors: Start fails only for a configuration that cannot work, and for want of threads.
#pragma once

#include <memory>

#include "absl/status/statusor.h"

#include "collector/cluster/directory.h"
#include "kube/client_config.h"
#include "prometheus/registry.h"

namespace leadline::collector::cluster {

class ClusterWatch {
 public:
  // `registry` outlives it.
  static absl::StatusOr<std::unique_ptr<ClusterWatch>> Start(const kube::ClientConfig& client,
                                                             std::shared_ptr<Directory> directory,
                                                             prometheus::Registry& registry);
  // Stops all threads at once, also in the middle of a transfer or a pause.
  virtual ~ClusterWatch() = default;
};

}  // namespace leadline::collector::cluster
