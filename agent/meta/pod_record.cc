#include "agent/meta/pod_record.h"

#include <utility>

#include "kube/pods/workload.h"

namespace leadline::agent::meta {
namespace {

std::optional<kube::Owner> DirectOwner(const kube::Pod& pod) {
  const kube::OwnerReference* owner = pod.meta.Controller();
  if (owner == nullptr) return std::nullopt;
  return kube::Owner{owner->api_version, owner->kind, owner->name, owner->uid};
}

}  // namespace

void PodRecord::Apply(std::shared_ptr<const kube::Pod> pod, int64_t now_ms) {
  pod_ = std::move(pod);
  NoteRuns();
  Version version{.from_ms = versions_.empty() ? kFromStart : now_ms,
                  .resource_version = ParseResourceVersion(pod_->meta.resource_version),
                  .kubernetes_labels = pod_->meta.labels,
                  .owner = DirectOwner(*pod_)};
  if (!versions_.empty() && versions_.back().owner == version.owner &&
      versions_.back().kubernetes_labels == version.kubernetes_labels) {
    return;
  }
  if (versions_.size() >= kMaxVersions) versions_.erase(versions_.begin());
  versions_.push_back(std::move(version));
}

void PodRecord::NoteRuns() {
  if (runs_.size() >= kMaxContainerRuns) runs_.clear();
  for (const kube::Container& container : pod_->containers) {
    const auto note = [&](const std::string& id) {
      if (!id.empty()) runs_.try_emplace(id, ContainerRun{container.name, container.image});
    };
    note(container.container_id);
    for (const std::string& id : container.former_container_ids) note(id);
  }
}

bool PodRecord::SetRuntimeNames(const ContainerNames& names) {
  if (runtime_names_ || names.pod.empty()) return false;
  runtime_names_ = names;
  return true;
}

void PodRecord::SetChain(kube::OwnerChain chain) {
  if (chain.owners.empty()) return;
  std::string uid = chain.owners.front().uid;
  if (chains_.size() >= kMaxVersions) chains_.clear();
  chains_[std::move(uid)] = std::move(chain);
}

const kube::OwnerChain* PodRecord::ChainOf(const Version& version) const {
  if (!version.owner) return nullptr;
  const auto it = chains_.find(version.owner->uid);
  return it == chains_.end() ? nullptr : &it->second;
}

void PodRecord::AddLabels(const Version& version, LabelSet& labels) const {
  labels.Set("namespace", pod_->meta.namespace_name);
  labels.Set("pod", pod_->meta.name);
  kube::pods::AddOwnerLabels(pod_->meta.name, version.owner ? &*version.owner : nullptr,
                             ChainOf(version), labels);
}

const PodRecord::ContainerRun* PodRecord::FindRun(std::string_view container_id) const {
  const auto it = runs_.find(container_id);
  return it == runs_.end() ? nullptr : &it->second;
}

}  // namespace leadline::agent::meta
