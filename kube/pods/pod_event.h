// What the pod watcher tells.
//
// Plain values; pods are immutable and shared.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "kube/owner_chain.h"
#include "kube/pod.h"

namespace leadline::kube::pods {

// A pod was added or changed.
struct PodApplied {
  std::shared_ptr<const Pod> pod;
};
// A pod is gone from the API; `pod` is its last known state.
struct PodDeleted {
  std::shared_ptr<const Pod> pod;
};
// The owners of a pod whose direct owner is chain.owners[0].
struct OwnersResolved {
  std::string pod_uid;  // metadata.uid
  OwnerChain chain;
};
// Everything that the API server had at one time was delivered; again after every relist.
struct PodsSynced {};

using PodEvent = std::variant<PodApplied, PodDeleted, OwnersResolved, PodsSynced>;

}  // namespace leadline::kube::pods
