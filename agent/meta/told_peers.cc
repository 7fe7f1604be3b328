#include "agent/meta/told_peers.h"

#include <spdlog/spdlog.h>

namespace leadline::agent::meta {

std::shared_ptr<const Peer> ToldPeers::At(const IpEndpoint& endpoint) {
  auto entry = entries_.find(endpoint);
  if (entry == entries_.end()) {
    if (entries_.size() >= max_) {
      metrics_.CountUnaskedPeer();
      if (!std::exchange(warned_, true)) {
        spdlog::warn(
            "more than {} peers are unknown here: the collector is not asked for {} and others",
            max_, ToText(endpoint.address));
      }
      return nullptr;
    }
    entry = entries_.try_emplace(endpoint).first;
    questions_.asked.push_back(endpoint);
  }
  entry->second.met = true;
  return entry->second.peer;
}

void ToldPeers::OnAnswer(const PeerAnswer& answer) {
  const auto entry = entries_.find(answer.endpoint);
  if (entry == entries_.end()) return;
  LabelSet labels(answer.labels);
  std::shared_ptr<const Peer>& peer = entry->second.peer;
  if (labels.empty()) {
    peer = nullptr;
  } else if (peer == nullptr || peer->labels != labels) {
    peer = std::make_shared<const Peer>(
        Peer{.labels = std::move(labels), .valid_from_ms = answer.since_ms});
  }
}

void ToldPeers::Expire(int64_t now_ms, int64_t before_ms) {
  absl::erase_if(entries_, [&](auto& one) {
    Entry& entry = one.second;
    if (std::exchange(entry.met, false)) entry.met_ms = now_ms;
    if (entry.met_ms >= before_ms) return false;
    questions_.forgotten.push_back(one.first);
    return true;
  });
  metrics_.SetAskedPeers(entries_.size());
}

}  // namespace leadline::agent::meta
