// Whose the addresses of pods and of nodes are.
#include "tests/unit/collector/cluster/objects.h"

namespace leadline::collector::cluster {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using PodAddressesTest = ClusterMapTest;

TEST_F(PodAddressesTest, APodIsToldByEachOfItsAddressesAsItsNodesAgentTellsIt) {
  const kube::Pod web = Pod("web-1", {"10.0.0.1", "fd00::1"}, kBegin, "ReplicaSet", "web-5d4f");
  EXPECT_EQ(At("10.0.0.1"), "");
  OnPod(Applied(web));
  EXPECT_EQ(At("10.0.0.1"),
            R"(0: {peer_namespace="shop", peer_node="n2", peer_owner_kind="ReplicaSet", )"
            R"(peer_owner_name="web-5d4f", peer_pod="web-1", peer_type="pod"})");
  EXPECT_THAT(TakeChanged(), ElementsAre("10.0.0.1", "fd00::1"));
  OnPod(Owners("web-1", Chain({{"ReplicaSet", "web-5d4f"}, {"Deployment", "web"}})));
  const std::string whole =
      R"(0: {peer_controller="web", peer_controller_kind="Deployment", peer_namespace="shop", )"
      R"(peer_node="n2", peer_owner_kind="ReplicaSet", peer_owner_name="web-5d4f", )"
      R"(peer_pod="web-1", peer_type="pod", peer_workload="web", )"
      R"(peer_workload_type="deployment"})";
  EXPECT_EQ(At("10.0.0.1"), whole);
  EXPECT_EQ(At("fd00::1", 443), whole) << "whatever the port";
  EXPECT_THAT(TakeChanged(), ElementsAre("10.0.0.1", "fd00::1"));
  OnPod(Applied(web));
  EXPECT_THAT(TakeChanged(), IsEmpty());
}

TEST_F(PodAddressesTest, AllPodsOfAnOwnerHaveItsChain) {
  const kube::OwnerChain chain = Chain({{"ReplicaSet", "web-5d4f"}, {"Deployment", "web"}});
  OnPod(Applied(Pod("web-1", {"10.0.0.1"}, kBegin, "ReplicaSet", "web-5d4f")));
  OnPod(Applied(Pod("web-2", {"10.0.0.2"}, kBegin, "ReplicaSet", "web-5d4f")));
  TakeChanged();
  OnPod(Owners("web-1", chain));
  EXPECT_THAT(At("10.0.0.2"), HasSubstr(R"(peer_workload="web")"));
  OnPod(Owners("web-2", chain));
  EXPECT_THAT(TakeChanged(), ElementsAre("10.0.0.1", "10.0.0.2"));
  // The chain stays as long as one of them does.
  OnPod(Gone(Pod("web-1", {"10.0.0.1"}, kBegin, "ReplicaSet", "web-5d4f")));
  map_.Expire(now_ms_ + 60'001);
  EXPECT_THAT(At("10.0.0.2"), HasSubstr(R"(peer_workload="web")"));
}

TEST_F(PodAddressesTest, OwnersOfAPodThatIsGoneAreNobodys) {
  OnPod(Owners("web-1", Chain({{"ReplicaSet", "web-5d4f"}})));
  OnPod(Owners("web-1", {}));
  OnPod(Applied(Pod("web-1", {"10.0.0.1"}, kBegin, "ReplicaSet", "web-5d4f")));
  EXPECT_THAT(At("10.0.0.1"), Not(HasSubstr("peer_workload")));
}

TEST_F(PodAddressesTest, AnAddressThatIsUsedAgainIsTheYoungestLivingPods) {
  Sync();
  kube::Pod old = Pod("old", {"10.0.0.1"}, kBegin);
  OnPod(Applied(old));
  EXPECT_EQ(At("10.0.0.1"), "0: " + BarePeer("old"));
  now_ms_ += 5000;
  OnPod(Applied(Pod("new", {"10.0.0.1"}, kBegin + 14'000)));
  EXPECT_EQ(At("10.0.0.1"), "15000: " + BarePeer("new")) << "from when it was seen to have it";
  old.phase = "Succeeded";
  OnPod(Applied(old));
  OnPod(Gone(old));
  map_.Expire(now_ms_ + 100'000);
  EXPECT_EQ(At("10.0.0.1"), "15000: " + BarePeer("new"));
}

TEST_F(PodAddressesTest, WhatWasSoBeforeWeLookedIsFromThePodsBegin) {
  kube::Pod done = Pod("done", {"10.0.0.1"}, kBegin);
  done.phase = "Failed";
  OnPod(Applied(done));
  OnPod(Applied(Pod("new", {"10.0.0.1"}, kBegin + 4000)));
  kube::Pod older = Pod("older", {"10.0.0.1"}, kBegin + 1000);
  older.phase = "Succeeded";
  OnPod(Applied(older));
  OnPod(Applied(Pod("oldest", {"10.0.0.1"}, kBegin - 1000)));
  Sync();
  EXPECT_EQ(At("10.0.0.1"), "4000: " + BarePeer("new"));
}

TEST_F(PodAddressesTest, APodThatHasEndedKeepsItsAddressForAWhile) {
  Sync();
  const kube::Pod pod = Pod("a", {"10.0.0.1"}, kBegin, "ReplicaSet", "rs");
  OnPod(Applied(pod));
  OnPod(Owners("a", Chain({{"ReplicaSet", "rs"}})));
  const std::string told = At("10.0.0.1");
  OnPod(Gone(pod));
  map_.Expire(now_ms_ + 60'000);
  EXPECT_EQ(At("10.0.0.1"), told);
  TakeChanged();
  map_.Expire(now_ms_ + 60'001);
  EXPECT_EQ(At("10.0.0.1"), "");
  EXPECT_THAT(TakeChanged(), ElementsAre("10.0.0.1"));
  EXPECT_EQ(map_.pod_addresses(), 0);
}

TEST_F(PodAddressesTest, EndedPodsAreForgottenForLackOfRoomTheFirstFirst) {
  Sync();
  for (int i = 1; i <= 5; ++i) {
    const kube::Pod pod = Pod(fmt::format("p{}", i), {fmt::format("10.0.0.{}", i)}, kBegin);
    OnPod(Applied(pod));
    ++now_ms_;
    OnPod(Gone(pod));
  }
  EXPECT_EQ(map_.Expire(now_ms_), 2);
  EXPECT_EQ(At("10.0.0.2"), "");
  EXPECT_EQ(At("10.0.0.3"), "0: " + BarePeer("p3"));
}

TEST_F(PodAddressesTest, APodThatMovesLetsGoOfItsAddress) {
  Sync();
  OnPod(Applied(Pod("a", {"10.0.0.1"}, kBegin)));
  OnPod(Applied(Pod("a", {"10.0.0.2"}, kBegin)));
  EXPECT_EQ(At("10.0.0.2"), "10000: " + BarePeer("a")) << "it had another before";
  OnPod(Applied(Pod("b", {"10.0.0.1"}, kBegin - 1000)));
  EXPECT_EQ(At("10.0.0.1"), "10000: " + BarePeer("b")) << "though it is older";
}

TEST_F(PodAddressesTest, AnOwnerThatChangesCountsFromThen) {
  Sync();
  OnPod(Applied(Pod("a", {"10.0.0.1"}, kBegin)));
  now_ms_ += 7000;
  OnPod(Applied(Pod("a", {"10.0.0.1"}, kBegin, "ReplicaSet", "adopter")));
  OnPod(Owners("a", Chain({{"ReplicaSet", "adopter"}})));
  EXPECT_THAT(At("10.0.0.1"),
              AllOf(StartsWith("17000: "), HasSubstr(R"(peer_workload="adopter")")));
}

kube::Pod OnNode(const std::string& name, int64_t created_ms, const std::string& node) {
  kube::Pod pod = Pod(name, {"10.0.0.1"}, created_ms);
  pod.node_name = node;
  pod.host_ips = {"192.0.2.1"};
  return pod;
}

TEST_F(PodAddressesTest, ANodeHasTheAddressThatItsPodsSay) {
  kube::Pod proxy = OnNode("proxy", kBegin, "n1");
  proxy.ips = {"192.0.2.1"};
  proxy.host_network = true;
  OnPod(Applied(proxy));
  OnPod(Applied(OnNode("a", kBegin, "n1")));
  EXPECT_EQ(At("192.0.2.1"), "ever: " + NodePeer("n1")) << "a pod in its network has no other";
  OnPod(Gone(proxy));
  EXPECT_EQ(At("192.0.2.1"), "ever: " + NodePeer("n1"));
  TakeChanged();
  OnPod(Gone(OnNode("a", kBegin, "n1")));
  EXPECT_EQ(At("192.0.2.1"), "") << "nothing says so any more";
  EXPECT_THAT(TakeChanged(), ElementsAre("192.0.2.1"));
}

TEST_F(PodAddressesTest, ANodesAddressThatIsAnotherNodesByNow) {
  OnPod(Applied(OnNode("a", kBegin, "n1")));
  Sync();
  now_ms_ += 30'000;
  OnPod(Applied(OnNode("b", kBegin + 35'000, "n2")));
  EXPECT_EQ(At("192.0.2.1"), "35000: " + NodePeer("n2"));
  OnPod(Gone(OnNode("b", kBegin + 35'000, "n2")));
  EXPECT_EQ(At("192.0.2.1"), "ever: " + NodePeer("n1"));
}

TEST_F(PodAddressesTest, APodThatIsToldOfAgainAfterItsEndIsBack) {
  const kube::Pod pod = OnNode("a", kBegin, "n1");
  OnPod(Applied(pod));
  OnPod(Gone(pod));
  OnPod(Applied(pod));
  map_.Expire(now_ms_ + 100'000);
  EXPECT_NE(At("10.0.0.1"), "");
  EXPECT_EQ(At("192.0.2.1"), "ever: " + NodePeer("n1"));
}

TEST_F(PodAddressesTest, WhatIsNoAddressIsCounted) {
  OnPod(Applied(Pod("a", {"10.0.0.1", "10.0.0", ""}, kBegin)));
  EXPECT_EQ(At("10.0.0.1"), "0: " + BarePeer("a"));
  EXPECT_EQ(map_.unreadable(), 1);
}

}  // namespace
}  // namespace leadline::collector::cluster
