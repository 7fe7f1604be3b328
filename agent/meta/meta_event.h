// What the Kubernetes API tells the agent's main loop.
//
// Plain values.
#pragma once

#include "kube/pods/pod_event.h"

namespace leadline::agent::meta {

using kube::pods::OwnersResolved;
using kube::pods::PodApplied;
using kube::pods::PodDeleted;
using kube::pods::PodsSynced;

using MetaEvent = kube::pods::PodEvent;

}  // namespace leadline::agent::meta
