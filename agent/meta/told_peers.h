// Who the peers are that the collector was asked for: what the edges meet and nobody on the node is
// known to have.
//
// What is met for the first time becomes a question; what is not met for the resolver's retention
// is forgotten, here and by the collector. What was told holds until something else is.
//
// Times are milliseconds since the Unix epoch. Not thread-safe. Bounds: at most `max`; what is
// beyond is not asked for, which is counted at each meeting and logged once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "agent/meta/resolver_metrics.h"
#include "agent/model/peer.h"
#include "agent/model/peer_question.h"
#include "common/ip_endpoint.h"

namespace leadline::agent::meta {

class ToldPeers {
 public:
  // `metrics` outlives it.
  ToldPeers(size_t max, ResolverMetrics& metrics) : max_(max), metrics_(metrics) {}

  // nullptr while nobody is known; the same object while that is the same.
  std::shared_ptr<const Peer> At(const IpEndpoint& endpoint);
  // Of what was not asked for, or not any more, it is ignored.
  void OnAnswer(const PeerAnswer& answer);
  // Once an interval: forgets what was last met before `before_ms`.
  void Expire(int64_t now_ms, int64_t before_ms);
  // Those that are new since the last call.
  PeerQuestions TakeQuestions() { return std::exchange(questions_, {}); }

 private:
  struct Entry {
    bool met = false;  // in this interval
    int64_t met_ms = 0;
    std::shared_ptr<const Peer> peer;
  };

  const size_t max_;
  ResolverMetrics& metrics_;
  bool warned_ = false;
  absl::flat_hash_map<IpEndpoint, Entry> entries_;
  PeerQuestions questions_;
};

}  // namespace leadline::agent::meta
