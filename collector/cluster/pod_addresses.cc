#include "collector/cluster/pod_addresses.h"

#include <algorithm>

#include "kube/pods/peer_labels.h"
#include "kube/pods/workload.h"

namespace leadline::collector::cluster {
namespace {

using kube::Pod;

// Its containers have ended for good, so its address may be another's.
bool HasEnded(const Pod& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

std::string_view OwnerUid(const Pod* pod) {
  if (pod == nullptr) return {};
  const kube::OwnerReference* owner = pod->meta.Controller();
  return owner == nullptr ? std::string_view() : owner->uid;
}

}  // namespace

void PodAddresses::OnEvent(const kube::pods::PodEvent& event, int64_t now_ms) {
  if (const auto* applied = std::get_if<kube::pods::PodApplied>(&event)) {
    Apply(applied->pod, now_ms);
  } else if (const auto* deleted = std::get_if<kube::pods::PodDeleted>(&event)) {
    Delete(*deleted->pod, now_ms);
  } else if (const auto* owners = std::get_if<kube::pods::OwnersResolved>(&event)) {
    SetOwners(*owners);
  } else {
    synced_ = true;
  }
}

void PodAddresses::Apply(const std::shared_ptr<const Pod>& pod, int64_t now_ms) {
  Known& known = pods_[pod->meta.uid];
  const std::shared_ptr<const Pod> before = std::exchange(known.pod, pod);
  const bool claims_node = before != nullptr && !std::exchange(known.deleted, false);
  SetOwner(known, before.get(), now_ms);
  if (!claims_node || before->host_ips != pod->host_ips || before->node_name != pod->node_name) {
    if (claims_node) ReleaseNode(*before);
    ClaimNode(*pod);
  }
  if (pod->host_network) return;
  const bool moved = before != nullptr && !before->ips.empty() && before->ips != pod->ips;
  const std::vector<IpAddress> addresses = Parse(pod->ips);
  if (moved) {
    for (const IpAddress& address : Parse(before->ips)) {
      if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
        Release(address, pod->meta.uid, now_ms);
      }
    }
  }
  const int64_t since_ms = moved && synced_ ? now_ms : pod->meta.creation_unix_ms;
  for (const IpAddress& address : addresses) Claim(address, known, since_ms, now_ms);
}

void PodAddresses::SetOwner(Known& known, const Pod* before, int64_t now_ms) {
  const std::string_view owner = OwnerUid(known.pod.get());
  const bool is_new = before == nullptr;
  if (!is_new && owner == OwnerUid(before)) return;
  if (!owner.empty()) ++owners_[owner].pods;
  if (!is_new) {
    DropOwner(*before);
    if (synced_) known.owner_since_ms = now_ms;
    Changed(*known.pod);
  }
  changed_pods_.push_back(known.pod->meta.uid);
}

void PodAddresses::DropOwner(const Pod& pod) {
  const auto owner = owners_.find(OwnerUid(&pod));
  if (owner != owners_.end() && --owner->second.pods == 0) owners_.erase(owner);
}

void PodAddresses::Claim(const IpAddress& address, Known& known, int64_t since_ms, int64_t now_ms) {
  const std::string& uid = known.pod->meta.uid;
  const bool ended = HasEnded(*known.pod);
  const int64_t created_ms = known.pod->meta.creation_unix_ms;
  const auto [it, is_new] = holders_.try_emplace(address);
  Holder& holder = it->second;
  const bool taken = !is_new && holder.uid != uid;
  if (taken) {
    const auto other = pods_.find(holder.uid);
    const bool is_younger = other != pods_.end() && holder.ended_ms == 0 &&
                            created_ms < other->second.pod->meta.creation_unix_ms;
    if (ended || is_younger) return;
  }
  if (holder.ended_ms != 0 && (taken || !ended)) {
    ended_.Remove(std::exchange(holder.ended_ms, 0), address);
  } else if (holder.ended_ms == 0 && ended) {
    holder.ended_ms = now_ms;
    ended_.Add(now_ms, address);
  }
  if (!is_new && !taken) return;
  const std::string former = std::exchange(holder.uid, uid);
  // Of what changed before we looked only the pod's own begin tells.
  holder.since_ms = taken && synced_ ? std::max(now_ms, since_ms) : since_ms;
  ++known.held;
  changed_.push_back(address);
  if (taken) LetGo(former);
}

void PodAddresses::Release(const IpAddress& address, const std::string& uid, int64_t now_ms) {
  const auto holder = holders_.find(address);
  if (holder == holders_.end() || holder->second.uid != uid || holder->second.ended_ms != 0) return;
  holder->second.ended_ms = now_ms;
  ended_.Add(now_ms, address);
}

void PodAddresses::LetGo(const std::string& uid) {
  const auto pod = pods_.find(uid);
  if (pod == pods_.end()) return;
  --pod->second.held;
  ForgetIfUnused(uid);
}

void PodAddresses::ForgetIfUnused(const std::string& uid) {
  const auto pod = pods_.find(uid);
  if (!pod->second.deleted || pod->second.held > 0) return;
  DropOwner(*pod->second.pod);
  pods_.erase(pod);
}

void PodAddresses::Delete(const Pod& pod, int64_t now_ms) {
  const auto found = pods_.find(pod.meta.uid);
  if (found == pods_.end() || found->second.deleted) return;
  Known& known = found->second;
  known.deleted = true;
  ReleaseNode(*known.pod);
  for (const IpAddress& address : Parse(known.pod->ips)) Release(address, pod.meta.uid, now_ms);
  ForgetIfUnused(pod.meta.uid);
}

void PodAddresses::SetOwners(const kube::pods::OwnersResolved& owners) {
  const auto pod = pods_.find(owners.pod_uid);
  if (pod == pods_.end() || owners.chain.owners.empty()) return;
  const auto owner = owners_.find(owners.chain.owners.front().uid);
  if (owner == owners_.end()) return;
  owner->second.chain = owners.chain;
  Changed(*pod->second.pod);
  changed_pods_.push_back(owners.pod_uid);
}

void PodAddresses::Changed(const Pod& pod) {
  if (pod.host_network) return;
  for (const IpAddress& address : Parse(pod.ips)) changed_.push_back(address);
}

void PodAddresses::ClaimNode(const Pod& pod) {
  if (pod.node_name.empty()) return;
  const int64_t created_ms = pod.meta.creation_unix_ms;
  for (const IpAddress& address : Parse(pod.host_ips)) {
    std::vector<NodeClaim>& claims = nodes_[address];
    auto claim = std::find_if(claims.begin(), claims.end(),
                              [&](const NodeClaim& one) { return one.node == pod.node_name; });
    if (claim == claims.end()) {
      // A node that was there when we came may be older than its pods.
      claim = claims.insert(claims.end(),
                            NodeClaim{.node = pod.node_name, .since_ms = synced_ ? created_ms : 0});
      changed_.push_back(address);
    }
    ++claim->pods;
    claim->youngest_ms = std::max(claim->youngest_ms, created_ms);
  }
}

void PodAddresses::ReleaseNode(const Pod& pod) {
  for (const IpAddress& address : Parse(pod.host_ips)) {
    const auto found = nodes_.find(address);
    if (found == nodes_.end()) continue;
    std::vector<NodeClaim>& claims = found->second;
    const auto claim = std::find_if(claims.begin(), claims.end(), [&](const NodeClaim& one) {
      return one.node == pod.node_name;
    });
    if (claim == claims.end() || --claim->pods > 0) continue;
    claims.erase(claim);
    if (claims.empty()) nodes_.erase(found);
    changed_.push_back(address);
  }
}

size_t PodAddresses::Expire(int64_t before_ms) {
  return ended_.Expire(before_ms, max_ended_, [&](const IpAddress& address) {
    const auto holder = holders_.find(address);
    const std::string uid = holder->second.uid;
    holders_.erase(holder);
    changed_.push_back(address);
    LetGo(uid);
  });
}

std::vector<IpAddress> PodAddresses::Parse(const std::vector<std::string>& texts) {
  std::vector<IpAddress> addresses;
  for (const std::string& text : texts) {
    if (const std::optional<IpAddress> address = ParseIpAddress(text)) {
      addresses.push_back(*address);
    } else if (!text.empty()) {
      ++unreadable_;
    }
  }
  return addresses;
}

const kube::OwnerChain* PodAddresses::ChainOf(const Pod& pod) const {
  const auto owner = owners_.find(OwnerUid(&pod));
  return owner == owners_.end() || !owner->second.chain ? nullptr : &*owner->second.chain;
}

LabelSet PodAddresses::LabelsOf(const Pod& pod) const {
  LabelSet own;
  own.Set("namespace", pod.meta.namespace_name);
  own.Set("pod", pod.meta.name);
  const kube::OwnerReference* owner = pod.meta.Controller();
  if (owner == nullptr) {
    kube::pods::AddOwnerLabels(pod.meta.name, nullptr, nullptr, own);
  } else {
    const kube::Owner direct{owner->api_version, owner->kind, owner->name, owner->uid};
    kube::pods::AddOwnerLabels(pod.meta.name, &direct, ChainOf(pod), own);
  }
  return own;
}

Who PodAddresses::PodAt(const IpAddress& address) const {
  const auto holder = holders_.find(address);
  if (holder == holders_.end()) return {};
  const auto found = pods_.find(holder->second.uid);
  if (found == pods_.end()) return {};
  const Known& known = found->second;
  return {.labels = kube::pods::PodPeerLabels(known.pod->node_name, LabelsOf(*known.pod)),
          .since_ms = std::max(holder->second.since_ms, known.owner_since_ms)};
}

Who PodAddresses::NodeAt(const IpAddress& address) const {
  const auto found = nodes_.find(address);
  if (found == nodes_.end()) return {};
  const NodeClaim& claim = *std::max_element(
      found->second.begin(), found->second.end(),
      [](const NodeClaim& a, const NodeClaim& b) { return a.youngest_ms < b.youngest_ms; });
  return {.labels = kube::pods::NodePeerLabels(claim.node), .since_ms = claim.since_ms};
}

std::string_view PodAddresses::GroupOf(std::string_view pod_uid) const {
  const auto found = pods_.find(pod_uid);
  if (found == pods_.end()) return {};
  const kube::OwnerReference* owner = found->second.pod->meta.Controller();
  // A node owns static pods of many workloads.
  const bool is_alone = owner == nullptr || owner->kind == "Node";
  return is_alone ? std::string_view(found->first) : owner->uid;
}

std::optional<PodAddresses::Workload> PodAddresses::WorkloadOf(std::string_view pod_uid) const {
  const auto found = pods_.find(pod_uid);
  if (found == pods_.end()) return std::nullopt;
  const LabelSet labels = LabelsOf(*found->second.pod);
  Workload workload{std::string(labels.Get("workload")), std::string(labels.Get("workload_type"))};
  if (workload.name.empty()) return std::nullopt;
  return workload;
}

}  // namespace leadline::collector::cluster
