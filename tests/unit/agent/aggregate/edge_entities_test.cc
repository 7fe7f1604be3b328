#include "agent/aggregate/edge_entities.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/model/entity_id.h"
#include "prometheus/registry.h"

namespace leadline::agent::aggregate {
namespace {

using probes::ConnectionPeer;
using testing::ElementsAre;
using testing::IsEmpty;
using Role = ConnectionPeer::Role;

constexpr char kAddress[] = "10.0.0.1";

class Names : public PeerNames {
 public:
  void Set(const char* address, LabelSet labels, int64_t valid_from_ms = 0) {
    peers_[*ParseIpAddress(address)] =
        std::make_shared<Peer>(Peer{.labels = std::move(labels), .valid_from_ms = valid_from_ms});
  }
  void Clear() { peers_.clear(); }
  uint16_t last_port() const { return last_port_; }

  std::shared_ptr<const Peer> PeerAt(const IpAddress& address, uint16_t port) override {
    last_port_ = port;
    const auto found = peers_.find(address);
    return found == peers_.end() ? nullptr : found->second;
  }

 private:
  std::map<IpAddress, std::shared_ptr<const Peer>> peers_;
  uint16_t last_port_ = 0;
};

ConnectionPeer Server(const char* address) {
  return {.role = Role::kClient, .remote_port = 80, .remote = *ParseIpAddress(address)};
}

class EdgeEntitiesTest : public testing::Test {
 protected:
  EdgeEntitiesTest() { owner_ref_ = batcher_.DefineEntity(owner_); }

  Subject Define(const ConnectionPeer& key, int64_t ts_ms, int64_t still_zero_ms = 0) {
    return edges_.Define("tcp", key,
                         {.entity = owner_ref_,
                          .owner = &owner_,
                          .counted_from_ms = 1000,
                          .still_zero_ms = still_zero_ms,
                          .ts_ms = ts_ms},
                         edge_);
  }

  // Versions of edges since the last call, "valid from: labels".
  std::vector<std::string> Take() {
    std::vector<std::string> versions;
    for (const SealedBatch& sealed : batcher_.Seal()) {
      for (const EntityDefinition& definition : sealed.changes.entities) {
        const Entity& entity = *definition.entity;
        if (entity.kind != EntityKind::kEdge) continue;
        EXPECT_GT(entity.revision, last_revision_);
        last_revision_ = entity.revision;
        versions.push_back(std::to_string(entity.valid_from_ms) + ": " + entity.labels.ToString() +
                           (entity.end_ms == 0 ? "" : " ended " + std::to_string(entity.end_ms)));
      }
    }
    return versions;
  }

  prometheus::Registry registry_;
  Batcher batcher_{BatcherOptions{}, registry_};
  Names names_;
  EdgeEntities edges_{names_, batcher_};
  EdgeEntities::Edge edge_;
  Entity owner_{.id = {0, 1}, .labels = {{"pod", "web"}}, .start_ms = 500, .revision = 1};
  EntityRef owner_ref_;
  uint64_t last_revision_ = 0;
};

std::string Edge(const char* from_ms, const char* pod, const char* peer) {
  return std::string(from_ms) + ": {" + peer + ", pod=\"" + pod +
         R"(", remote_address="10.0.0.1", remote_port="80", role="client", transport="tcp"})";
}
constexpr char kExternal[] = R"(peer_address_class="private", peer_type="external")";

TEST_F(EdgeEntitiesTest, BeginsWhenNothingWasCountedYet) {
  const Subject subject = Define(Server(kAddress), 3000, 2000);
  EXPECT_NE(subject.entity, owner_ref_);
  EXPECT_EQ(subject.counted_from_ms, 2000);
  EXPECT_EQ(subject.ts_ms, 3000);
  EXPECT_THAT(Take(), ElementsAre(Edge("2000", "web", kExternal)));
  EXPECT_EQ(Define(Server(kAddress), 4000, 3000).counted_from_ms, 2000);
  EXPECT_THAT(Take(), IsEmpty());
}

TEST_F(EdgeEntitiesTest, WhoThePeerIsMayBeLearnedLater) {
  Define(Server(kAddress), 2000);
  Take();
  names_.Set(kAddress, {{"peer_pod", "db"}});
  Define(Server(kAddress), 3000);
  EXPECT_THAT(Take(), ElementsAre(Edge("1000", "web", R"(peer_pod="db")")));
  names_.Set(kAddress, {{"peer_pod", "db2"}}, 3500);
  Define(Server(kAddress), 4000);
  EXPECT_THAT(Take(), ElementsAre(Edge("3500", "web", R"(peer_pod="db2")")));
  names_.Clear();
  Define(Server(kAddress), 5000);
  EXPECT_THAT(Take(), IsEmpty()) << "a name is not lost";
}

TEST_F(EdgeEntitiesTest, TheSameToldAnewIsNoNews) {
  names_.Set(kAddress, {{"peer_pod", "db"}}, 1500);
  Define(Server(kAddress), 2000);
  Take();
  names_.Set(kAddress, {{"peer_pod", "db"}}, 1700);
  Define(Server(kAddress), 3000);
  EXPECT_THAT(Take(), IsEmpty());
  names_.Set(kAddress, {{"peer_pod", "db2"}}, 3500);
  Define(Server(kAddress), 4000);
  EXPECT_THAT(Take(), ElementsAre(Edge("3500", "web", R"(peer_pod="db2")")));
}

TEST_F(EdgeEntitiesTest, OnlyWhatListensIsAskedForByItsPort) {
  Define(Server(kAddress), 2000);
  EXPECT_EQ(names_.last_port(), 80);
  edge_ = {};
  Define({.role = Role::kServer, .local_port = 53, .remote = *ParseIpAddress(kAddress)}, 2000);
  EXPECT_EQ(names_.last_port(), 0);
}

TEST_F(EdgeEntitiesTest, WhatChangesAtDifferentTimesHoldsFromThen) {
  names_.Set(kAddress, {{"peer_pod", "db"}});
  Define(Server(kAddress), 2000);
  Take();
  owner_.labels.Set("pod", "shop");
  owner_.valid_from_ms = 500;
  owner_.revision = 2;
  names_.Set(kAddress, {{"peer_pod", "db2"}}, 2500);
  Define(Server(kAddress), 3000);
  EXPECT_THAT(Take(), ElementsAre(Edge("1000", "shop", R"(peer_pod="db")"),
                                  Edge("2500", "shop", R"(peer_pod="db2")")));
}

TEST_F(EdgeEntitiesTest, EndsWithItsOwner) {
  Define(Server(kAddress), 2000);
  Take();
  owner_.end_ms = 2700;
  owner_.revision = 2;
  EXPECT_EQ(Define(Server(kAddress), 3000).ts_ms, 2700);
  EXPECT_THAT(Take(), ElementsAre(Edge("1000", "web", kExternal) + " ended 2700"));
  edges_.Forget(edge_);
}

TEST_F(EdgeEntitiesTest, SocketsWithoutAPeerAndAllTheRestNameNone) {
  Define({.role = Role::kServer, .local_port = 53}, 2000);
  EXPECT_THAT(Take(),
              ElementsAre(R"(1000: {local_port="53", pod="web", role="server", transport="tcp"})"));
  edge_ = {};
  last_revision_ = 0;
  Define({.role = Role::kServer, .other = true}, 2000);
  EXPECT_THAT(
      Take(),
      ElementsAre(R"(1000: {pod="web", remote_address="~other", role="server", transport="tcp"})"));
}

TEST_F(EdgeEntitiesTest, ALoopbackAddressIsTheSameNetworkNamespace) {
  Define(Server("127.0.0.1"), 2000);
  EXPECT_THAT(Take(), ElementsAre(R"(1000: {peer_type="local", pod="web", )"
                                  R"(remote_address="127.0.0.1", remote_port="80", )"
                                  R"(role="client", transport="tcp"})"));
}

}  // namespace
}  // namespace leadline::agent::aggregate
