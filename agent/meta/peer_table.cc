#include "agent/meta/peer_table.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "kube/pods/peer_labels.h"

namespace leadline::agent::meta {
namespace {

std::shared_ptr<const Peer> MakePeer(LabelSet labels, int64_t valid_from_ms = 0) {
  return std::make_shared<const Peer>(
      Peer{.labels = std::move(labels), .valid_from_ms = valid_from_ms});
}

// Its containers have ended for good, so its address may be another's.
bool HasEnded(const PodRecord& record) {
  const std::string& phase = record.pod()->phase;
  return record.deleted_ms != 0 || phase == "Succeeded" || phase == "Failed";
}

}  // namespace

PeerTable::PeerTable(std::string node, size_t max_ended, ResolverMetrics& metrics)
    : node_(std::move(node)),
      max_ended_(max_ended),
      metrics_(metrics),
      node_peer_(MakePeer(kube::pods::NodePeerLabels(node_))) {}

void PeerTable::PodChanged(const PodRecord& pod, int64_t now_ms) {
  if (pod.pod() == nullptr) return;
  const auto for_each = [&](const std::vector<std::string>& texts, auto take) {
    for (const std::string& text : texts) {
      if (const std::optional<IpAddress> address = ParseIpAddress(text)) {
        take(*address);
      } else if (!text.empty()) {
        metrics_.CountUnreadableAddress();
      }
    }
  };
  for_each(pod.pod()->host_ips, [&](const IpAddress& address) { of_node_[address] = node_peer_; });
  if (pod.pod()->host_network) return;
  const bool ended = HasEnded(pod);
  for_each(pod.pod()->ips, [&](const IpAddress& address) { Claim(address, pod, ended, now_ms); });
}

void PeerTable::Claim(const IpAddress& address, const PodRecord& pod, bool ended, int64_t now_ms) {
  const auto [it, is_new] = pods_.try_emplace(address);
  Holder& holder = it->second;
  const int64_t created_ms = pod.pod()->meta.creation_unix_ms;
  const bool taken = !is_new && holder.pod != pod.cgroup_uid();
  if (taken) {
    if (ended || (holder.ended_ms == 0 && created_ms < holder.created_ms)) return;
    holder.taken_ms = now_ms;
    holder.peer = nullptr;
  }
  if (holder.ended_ms != 0 && (taken || !ended)) {
    ended_.Remove(std::exchange(holder.ended_ms, 0), address);
  } else if (holder.ended_ms == 0 && ended) {
    holder.ended_ms = now_ms;
    ended_.Add(now_ms, address);
  }
  holder.pod = pod.cgroup_uid();
  holder.created_ms = created_ms;
  LabelSet labels = LabelsOf(pod);
  if (holder.peer != nullptr && holder.peer->labels == labels) return;
  const int64_t labelled_ms = std::max<int64_t>(pod.versions().back().from_ms, 0);
  holder.peer = MakePeer(std::move(labels), std::max(holder.taken_ms, labelled_ms));
}

LabelSet PeerTable::LabelsOf(const PodRecord& pod) const {
  LabelSet own;
  pod.AddLabels(pod.versions().back(), own);
  return kube::pods::PodPeerLabels(node_, own);
}

std::shared_ptr<const Peer> PeerTable::At(const IpAddress& address) const {
  if (const auto pod = pods_.find(address); pod != pods_.end()) return pod->second.peer;
  const auto node = of_node_.find(address);
  return node == of_node_.end() ? nullptr : node->second;
}

bool PeerTable::IsOfLivingPod(const IpAddress& address) const {
  const auto pod = pods_.find(address);
  return pod != pods_.end() && pod->second.ended_ms == 0;
}

void PeerTable::Expire(int64_t before_ms) {
  const size_t too_many =
      ended_.Expire(before_ms, max_ended_, [&](const IpAddress& address) { pods_.erase(address); });
  metrics_.CountForgotten("address", too_many);
}

}  // namespace leadline::agent::meta
