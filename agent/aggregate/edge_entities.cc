#include "agent/aggregate/edge_entities.h"

#include <algorithm>
#include <string>
#include <utility>

#include "agent/model/entity_id.h"
#include "common/ip_address.h"

namespace leadline::agent::aggregate {
namespace {

using probes::ConnectionPeer;

constexpr std::string_view kOtherPeers = "~other";

std::string_view RoleText(const ConnectionPeer& key) {
  return key.role == ConnectionPeer::Role::kServer ? "server" : "client";
}

std::string AddressText(const ConnectionPeer& key) {
  return key.other ? std::string(kOtherPeers) : ToText(key.remote);
}

std::string PortText(uint16_t port) { return port == 0 ? "" : std::to_string(port); }

// Of an address that has no name.
std::shared_ptr<const Peer> Unnamed(const IpAddress& address) {
  auto peer = std::make_shared<Peer>();
  if (IsLoopback(address)) {
    peer->labels.Set("peer_type", "local");
  } else {
    peer->labels.Set("peer_type", "external");
    peer->labels.Set("peer_address_class", AddressClass(address));
  }
  return peer;
}

}  // namespace

Subject EdgeEntities::Define(std::string_view transport, const ConnectionPeer& key,
                             const Subject& subject, Edge& edge) {
  const Entity& owner = *subject.owner;
  const bool has_address = !key.other && key.remote != IpAddress{};
  // A name that is lost is kept: the connections are still those of who had it.
  std::shared_ptr<const Peer> peer =
      has_address ? names_.PeerAt(key.remote, key.remote_port) : nullptr;
  if (peer == nullptr) peer = edge.peer;
  if (peer == nullptr && has_address) peer = Unnamed(key.remote);

  if (!edge.ref) {
    edge.from_ms = std::max(subject.counted_from_ms,
                            subject.still_zero_ms < subject.ts_ms ? subject.still_zero_ms : 0);
    edge.peer = std::move(peer);
    DefineVersion(transport, key, subject, edge.from_ms, edge);
  } else {
    // One after the other: they hold from different times on.
    if (edge.owner_revision != owner.revision) {
      DefineVersion(transport, key, subject, owner.valid_from_ms, edge);
    }
    if (edge.peer != peer) {
      const bool is_news = edge.peer->labels != peer->labels;
      edge.peer = std::move(peer);
      if (is_news) DefineVersion(transport, key, subject, edge.peer->valid_from_ms, edge);
    }
  }
  Subject of_edge = subject;
  of_edge.owner = nullptr;
  of_edge.entity = *edge.ref;
  of_edge.counted_from_ms = edge.from_ms;
  if (owner.end_ms != 0) of_edge.ts_ms = batcher_.EndFrameMs(*edge.ref);
  return of_edge;
}

void EdgeEntities::DefineVersion(std::string_view transport, const ConnectionPeer& key,
                                 const Subject& subject, int64_t valid_from_ms, Edge& edge) {
  const Entity& owner = *subject.owner;
  // By time, so that they grow over restarts of the agent.
  edge.revision = std::max(edge.revision + 1, static_cast<uint64_t>(subject.ts_ms));
  Entity entity{.id = EdgeId(owner.id, transport, RoleText(key), AddressText(key), key.local_port,
                             key.remote_port),
                .kind = EntityKind::kEdge,
                .labels = owner.labels,
                .kubernetes_labels = owner.kubernetes_labels,
                .start_ms = owner.start_ms,
                .end_ms = owner.end_ms,
                .valid_from_ms = std::max(valid_from_ms, edge.from_ms),
                .revision = edge.revision};
  entity.labels.Set("transport", transport);
  entity.labels.Set("role", RoleText(key));
  entity.labels.Set("remote_address", AddressText(key));
  entity.labels.Set("local_port", PortText(key.local_port));
  entity.labels.Set("remote_port", PortText(key.remote_port));
  if (edge.peer != nullptr) {
    for (const Label& label : edge.peer->labels) entity.labels.Set(label.name, label.value);
  }
  edge.owner_revision = owner.revision;
  edge.ref = batcher_.DefineEntity(entity);
}

void EdgeEntities::Forget(const Edge& edge) {
  if (edge.ref) batcher_.Forget(*edge.ref);
}

}  // namespace leadline::agent::aggregate
