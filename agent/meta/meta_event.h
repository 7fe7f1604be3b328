// What the agent's main loop is told of the cluster, by the Kubernetes API and by the collector.
//
// Plain values.
#pragma once

#include <utility>
#include <variant>
#include <vector>

#include "agent/model/peer_question.h"
#include "kube/pods/pod_event.h"

namespace leadline::agent::meta {

using kube::pods::OwnersResolved;
using kube::pods::PodApplied;
using kube::pods::PodDeleted;
using kube::pods::PodsSynced;

// Recordings have the index: alternatives are added at the end only.
using MetaEvent = std::variant<PodApplied, PodDeleted, OwnersResolved, PodsSynced, PeerAnswer>;

inline void Append(kube::pods::PodEvent event, std::vector<MetaEvent>& events) {
  std::visit([&](auto&& one) { events.emplace_back(std::forward<decltype(one)>(one)); },
             std::move(event));
}

}  // namespace leadline::agent::meta
