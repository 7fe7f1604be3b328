// The labels that an owner chain becomes.
//
// Pure and thread-safe.
#pragma once

#include <string>

#include "common/labels.h"
#include "kube/owner_chain.h"

namespace leadline::kube::pods {

// Adds to `labels`, for a pod of that name:
//   owner_kind, owner_name        the direct owner, as in kube-state-metrics' kube_pod_owner
//   controller_kind, controller   the topmost one
//   workload, workload_type       as kubernetes-mixin's
//   namespace_workload_pod:kube_pod_owner:relabel
// A pod without controller has workload and workload_type only ("pod"), and so has a static pod
// ("staticpod"), whose direct owner is its node. `chain` is nullptr while only `direct` is known;
// then the last four wait, unless `direct` is nullptr too.
void AddOwnerLabels(const std::string& pod, const Owner* direct, const OwnerChain* chain,
                    LabelSet& labels);

}  // namespace leadline::kube::pods
