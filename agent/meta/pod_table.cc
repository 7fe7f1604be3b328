#include "agent/meta/pod_table.h"

#include <limits>
#include <utility>

namespace leadline::agent::meta {
namespace {

// deleted_ms of a pod that only its entities keep.
constexpr int64_t kExpired = std::numeric_limits<int64_t>::max();

}  // namespace

PodRecord& PodTable::Get(std::string_view cgroup_uid) {
  std::unique_ptr<PodRecord>& record = by_cgroup_uid_[cgroup_uid];
  if (record == nullptr) record = std::make_unique<PodRecord>(std::string(cgroup_uid));
  return *record;
}

PodRecord& PodTable::Apply(const std::shared_ptr<const kube::Pod>& pod, int64_t now_ms) {
  PodRecord& record = Get(pod->CgroupUid());
  if (record.deleted_ms != 0) deleted_.Remove(record.deleted_ms, record.cgroup_uid());
  record.deleted_ms = 0;
  if (record.pod() != nullptr) cgroup_uids_.erase(record.pod()->meta.uid);
  cgroup_uids_[pod->meta.uid] = record.cgroup_uid();
  record.Apply(pod, now_ms);
  if (const auto early = early_chains_.find(pod->meta.uid); early != early_chains_.end()) {
    record.SetChain(std::move(early->second));
    early_chains_.erase(early);
  }
  return record;
}

PodRecord* PodTable::Delete(const std::shared_ptr<const kube::Pod>& pod, int64_t now_ms) {
  const auto known = by_cgroup_uid_.find(pod->CgroupUid());
  // A mirror pod that the kubelet has made anew has the cgroups of the former one.
  const bool replaced = known != by_cgroup_uid_.end() && known->second->pod() != nullptr &&
                        known->second->pod()->meta.uid != pod->meta.uid;
  if (replaced) return nullptr;
  PodRecord& record = Apply(pod, now_ms);
  record.deleted_ms = now_ms;
  deleted_.Add(now_ms, record.cgroup_uid());
  return &record;
}

PodRecord* PodTable::SetOwners(const OwnersResolved& owners) {
  const auto known = cgroup_uids_.find(owners.pod_uid);
  if (known == cgroup_uids_.end()) {
    if (early_chains_.size() >= max_ended_) {
      metrics_.CountForgotten("owners", early_chains_.size());
      early_chains_.clear();
    }
    early_chains_[owners.pod_uid] = owners.chain;
    return nullptr;
  }
  PodRecord& record = Get(known->second);
  record.SetChain(owners.chain);
  return &record;
}

void PodTable::ForgetIfUnused(PodRecord& pod) {
  const bool in_api = pod.pod() != nullptr && pod.deleted_ms != kExpired;
  if (in_api || pod.entity || !pod.containers.empty()) return;
  if (pod.pod() != nullptr) cgroup_uids_.erase(pod.pod()->meta.uid);
  by_cgroup_uid_.erase(pod.cgroup_uid());
}

void PodTable::Expire(int64_t before_ms) {
  const size_t too_many = deleted_.Expire(before_ms, max_ended_, [&](const std::string& uid) {
    PodRecord& pod = *by_cgroup_uid_.at(uid);
    pod.deleted_ms = kExpired;
    ForgetIfUnused(pod);
  });
  metrics_.CountForgotten("pod", too_many);
}

}  // namespace leadline::agent::meta
