// Who has which address, by what the API says of this node's pods.
#include "tests/unit/agent/meta/resolver_fixture.h"

namespace leadline::agent::meta {
namespace {

class ResolverPeersTest : public MetadataResolverTest {
 protected:
  // "valid from: labels"; "" where nobody is known.
  std::string At(const char* address, uint16_t port = 0) {
    const auto peer = resolver_.PeerAt(*ParseIpAddress(address), port);
    if (peer == nullptr) return "";
    return fmt::format("{}: {}", peer->valid_from_ms == 0 ? 0 : peer->valid_from_ms - kStart,
                       peer->labels.ToString());
  }
  double Forgotten() { return Sum("leadline_agent_meta_forgotten_total"); }
  double Unreadable() { return Sum("leadline_agent_meta_unreadable_addresses_total"); }

 private:
  double Sum(std::string_view name) {
    double sum = 0;
    for (const auto& family : registry_.Collect()) {
      if (family.name != name) continue;
      for (const auto& metric : family.metric) sum += metric.counter.value;
    }
    return sum;
  }
};

constexpr char kWebPeer[] =
    R"({peer_controller="web", peer_controller_kind="Deployment", peer_namespace="shop", )"
    R"(peer_node="n1", peer_owner_kind="ReplicaSet", peer_owner_name="web-5d4f", )"
    R"(peer_pod="web-1", peer_type="pod", peer_workload="web", peer_workload_type="deployment"})";

std::string PodPeer(const char* pod) {
  return fmt::format(R"({{peer_namespace="shop", peer_node="n1", peer_pod="{0}", peer_type="pod", )"
                     R"(peer_workload="{0}", peer_workload_type="pod"}})",
                     pod);
}

// A pod of its own, with one address.
PodBuilder Bare(const char* name, const char* ip, int64_t created_ms = kStart) {
  return PodBuilder().Uid(name).Name(name).Owners({}).Ips({ip}).Created(created_ms);
}

TEST_F(ResolverPeersTest, APodIsToldByEachOfItsAddressesAsItsOwnSeriesAre) {
  EXPECT_EQ(At("10.0.0.1"), "");
  Applied(PodBuilder().Ips({"10.0.0.1", "fd00::1"}));
  Owners();
  EXPECT_EQ(At("10.0.0.1"), std::string("0: ") + kWebPeer);
  EXPECT_EQ(At("fd00::1"), std::string("0: ") + kWebPeer);
  EXPECT_EQ(At("10.0.0.2"), "");
}

TEST_F(ResolverPeersTest, TheSameObjectWhileNothingChanges) {
  Applied(Bare("a", "10.0.0.1"));
  const auto first = resolver_.PeerAt(*ParseIpAddress("10.0.0.1"), 0);
  Applied(Bare("a", "10.0.0.1").Version("200"));
  EXPECT_EQ(resolver_.PeerAt(*ParseIpAddress("10.0.0.1"), 0), first);
}

TEST_F(ResolverPeersTest, TheNodeHasItsOwnAddressAndPodsInItsNetworkHaveNone) {
  Applied(PodBuilder().HostNetwork().Ips({"192.0.2.1"}).HostIps({"192.0.2.1"}));
  EXPECT_EQ(At("192.0.2.1"), R"(0: {peer_node="n1", peer_type="node"})");
}

TEST_F(ResolverPeersTest, ANewPodTakesTheAddressFromThenOn) {
  Applied(Bare("a", "10.0.0.1"));
  Deleted(Bare("a", "10.0.0.1"));
  EXPECT_EQ(At("10.0.0.1"), "0: " + PodPeer("a"));
  Applied(Bare("b", "10.0.0.1"), kStart + 5000);
  EXPECT_EQ(At("10.0.0.1"), "5000: " + PodPeer("b"));
}

TEST_F(ResolverPeersTest, APodThatHasEndedIsTheNamesakeOfNoLivingOne) {
  Applied(Bare("job", "10.0.0.1").Phase("Succeeded"));
  EXPECT_EQ(At("10.0.0.1"), "0: " + PodPeer("job"));
  Applied(Bare("b", "10.0.0.1", kStart - 10), kStart + 5000);
  Applied(Bare("job", "10.0.0.1").Phase("Succeeded").Labels({{"seen", "again"}}), kStart + 6000);
  Deleted(Bare("job", "10.0.0.1"), kStart + 7000);
  EXPECT_EQ(At("10.0.0.1"), "5000: " + PodPeer("b"));
}

TEST_F(ResolverPeersTest, OfTwoThatLiveTheYoungerHasTheAddress) {
  Applied(Bare("old", "10.0.0.1", kStart));
  Applied(Bare("new", "10.0.0.1", kStart + 10));
  Applied(Bare("old", "10.0.0.1", kStart).Version("300"));
  EXPECT_EQ(At("10.0.0.1"), "500: " + PodPeer("new"));
}

TEST_F(ResolverPeersTest, AnEndedPodIsKnownForAWhileAndTheFirstGoWhenThereAreTooMany) {
  Applied(Bare("a", "10.0.0.1"));
  Deleted(Bare("a", "10.0.0.1"), kStart + 1000);
  resolver_.Expire(kStart + 2000);
  EXPECT_NE(At("10.0.0.1"), "");
  resolver_.Expire(kStart + 10 * kMinute);
  EXPECT_EQ(At("10.0.0.1"), "");
  EXPECT_EQ(Forgotten(), 0);
  for (int i = 1; i <= 9; ++i) {  // the fixture keeps eight
    const std::string name = fmt::format("a{}", i);
    const std::string ip = fmt::format("10.0.0.{}", i);
    Deleted(Bare(name.c_str(), ip.c_str()), kStart + 20 * kMinute + i);
  }
  resolver_.Expire(kStart + 20 * kMinute);
  EXPECT_EQ(At("10.0.0.1"), "");
  EXPECT_NE(At("10.0.0.2"), "");
  EXPECT_GE(Forgotten(), 1);
}

TEST_F(ResolverPeersTest, WhatIsNoAddressIsCounted) {
  Applied(PodBuilder().Ips({"10.0.0.256", ""}));
  EXPECT_EQ(Unreadable(), 1);
}

}  // namespace
}  // namespace leadline::agent::meta
