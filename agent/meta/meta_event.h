// What the pod watcher tells the agent's main loop.
//
// Plain values; pods are immutable and shared.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "kube/owner_chain.h"
#include "kube/pod.h"

namespace leadline::agent::meta {

// A pod of this node was added or changed.
struct PodApplied {
  std::shared_ptr<const kube::Pod> pod;
};
// A pod is gone from the API; `pod` is its last known state.
struct PodDeleted {
  std::shared_ptr<const kube::Pod> pod;
};
// The owners of a pod whose direct owner is chain.owners[0].
struct OwnersResolved {
  std::string pod_uid;  // metadata.uid
  kube::OwnerChain chain;
};
// Everything that the API server had at one time was delivered; again after every relist.
struct PodsSynced {};

using MetaEvent = std::variant<PodApplied, PodDeleted, OwnersResolved, PodsSynced>;

}  // namespace leadline::agent::meta
