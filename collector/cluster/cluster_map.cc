#include "collector/cluster/cluster_map.h"

#include <string>
#include <utility>

namespace leadline::collector::cluster {

std::vector<IpAddress> ClusterMap::TakeChanged(int64_t now_ms) {
  for (const std::string& pod : pods_.TakeChangedPods()) services_.PodChanged(pod);
  services_.Settle(pods_, now_ms);
  std::vector<IpAddress> changed = pods_.TakeChanged();
  for (const IpAddress& address : services_.TakeChanged()) changed.push_back(address);
  if (services_.TakeNodePortsChanged()) {
    pods_.ForEachNodeAddress([&](const IpAddress& address) { changed.push_back(address); });
  }
  return changed;
}

Who ClusterMap::At(const IpEndpoint& endpoint) const {
  if (Who pod = pods_.PodAt(endpoint.address); !pod.labels.empty()) return pod;
  if (Who service = services_.At(endpoint); !service.labels.empty()) return service;
  Who node = pods_.NodeAt(endpoint.address);
  if (!node.labels.empty() && endpoint.port != 0) {
    Who service = services_.AtNodePort(endpoint.port);
    if (!service.labels.empty()) return service;
  }
  return node;
}

}  // namespace leadline::collector::cluster
