// The entities of edges: what a container (or whatever else owns sockets) has to do with one peer.
//
// An edge has the labels of its owner; transport, role, remote_address, and local_port of a server
// or remote_port of a client; and who the peer is: peer_type and what agent/model/peer.h knows of
// it. peer_type is
//   local     the same network namespace, by a loopback address
//   external  an address that nobody is known to have: with peer_address_class
// and missing where there is no address: sockets without a peer, and `~other`, all that have no
// edge of their own. What is learned of the owner or the peer later counts from when that holds.
// A peer that is known is not forgotten before another has its address.
//
// Times are milliseconds since the Unix epoch. Not thread-safe. Allocates where something is new.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/aggregate/recorder.h"
#include "agent/export/batcher.h"
#include "agent/model/entity.h"
#include "agent/model/peer.h"
#include "agent/probes/connection_counters.h"

namespace leadline::agent::aggregate {

class EdgeEntities {
 public:
  // What the caller keeps of an edge: one of each.
  struct Edge {
    std::optional<EntityRef> ref;
    int64_t from_ms = 0;  // when nothing had been counted of it
    uint64_t owner_revision = 0;
    uint64_t revision = 0;
    std::shared_ptr<const Peer> peer;  // nullptr where there is no address
  };

  // Both must outlive it.
  EdgeEntities(PeerNames& names, Batcher& batcher) : names_(names), batcher_(batcher) {}

  // Defines the edge, again where its owner or peer is told otherwise by now or has ended, and
  // returns what its samples are about. `subject`: the owner's.
  Subject Define(std::string_view transport, const probes::ConnectionPeer& key,
                 const Subject& subject, Edge& edge);

  // No more samples of it.
  void Forget(const Edge& edge);

 private:
  // In force from `valid_from_ms` on, or from the edge's begin where that is later.
  void DefineVersion(std::string_view transport, const probes::ConnectionPeer& key,
                     const Subject& subject, int64_t valid_from_ms, Edge& edge);

  PeerNames& names_;
  Batcher& batcher_;
};

}  // namespace leadline::agent::aggregate
