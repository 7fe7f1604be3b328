#include "kube/pods/workload.h"

#include <algorithm>

namespace leadline::kube::pods {
namespace {

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

// A ReplicaSet stands for the Deployment that made it; every other direct owner for itself.
const Owner& Workload(const OwnerChain& chain) {
  const Owner& direct = chain.owners.front();
  const bool rollout = direct.kind == "ReplicaSet" && chain.owners.size() > 1;
  return rollout ? chain.owners[1] : direct;
}

void SetWorkload(std::string_view name, std::string_view type, LabelSet& labels) {
  labels.Set("workload", name);
  labels.Set("workload_type", type);
}

}  // namespace

void AddOwnerLabels(const std::string& pod, const Owner* direct, const OwnerChain* chain,
                    LabelSet& labels) {
  if (direct == nullptr) return SetWorkload(pod, "pod", labels);
  labels.Set("owner_kind", direct->kind);
  labels.Set("owner_name", direct->name);
  if (direct->kind == "Node") return SetWorkload(pod, "staticpod", labels);
  if (chain == nullptr || chain->owners.empty()) return;
  labels.Set("controller_kind", chain->owners.back().kind);
  labels.Set("controller", chain->owners.back().name);
  const Owner& workload = Workload(*chain);
  SetWorkload(workload.name, LowerCase(workload.kind), labels);
}

}  // namespace leadline::kube::pods
