// Who has which address, as far as this node's pods tell: the pods themselves, and the node.
//
// Labels of a pod: peer_type="pod", and with peer_ before them those that its own series have:
// peer_namespace, peer_pod, peer_workload and so on, with peer_node. Of the node: peer_type="node"
// and peer_node. Pods in the node's network have no address of their own.
//
// Times are milliseconds since the Unix epoch. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"

#include "agent/meta/pod_record.h"
#include "agent/meta/resolver_metrics.h"
#include "agent/model/peer.h"
#include "common/ended_set.h"
#include "common/ip_address.h"
#include "kube/pod.h"

namespace leadline::agent::meta {

class PeerTable {
 public:
  // At most `max_ended` addresses of pods that have ended. `metrics` outlives the table.
  PeerTable(std::string node, size_t max_ended, ResolverMetrics& metrics);

  // Something is new of the pod. Of several with one address the youngest that lives has it: the
  // API names the addresses of pods that have ended, too.
  void PodChanged(const PodRecord& pod, int64_t now_ms);

  // See PeerNames.
  std::shared_ptr<const Peer> At(const IpAddress& address) const;
  // Whether a pod that lives has it.
  bool IsOfLivingPod(const IpAddress& address) const;

  // Forgets the addresses of pods that ended before `before_ms`.
  void Expire(int64_t before_ms);

 private:
  struct Holder {
    std::string pod;         // its cgroup_uid
    int64_t created_ms = 0;  // the pod
    int64_t taken_ms = 0;    // from another pod; 0 where none had it
    int64_t ended_ms = 0;    // 0 while the pod lives
    std::shared_ptr<const Peer> peer;
  };

  void Claim(const IpAddress& address, const PodRecord& pod, bool ended, int64_t now_ms);
  LabelSet LabelsOf(const PodRecord& pod) const;

  const std::string node_;
  const size_t max_ended_;
  ResolverMetrics& metrics_;
  const std::shared_ptr<const Peer> node_peer_;
  absl::flat_hash_map<IpAddress, Holder> pods_;
  absl::flat_hash_map<IpAddress, std::shared_ptr<const Peer>> of_node_;
  EndedSet<IpAddress> ended_;
};

}  // namespace leadline::agent::meta
