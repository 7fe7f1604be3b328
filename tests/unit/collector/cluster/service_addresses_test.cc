// Which service has an address, and whose the pods behind it are.
#include "tests/unit/collector/cluster/objects.h"

namespace leadline::collector::cluster {
namespace {

using testing::ElementsAre;

class ServiceAddressesTest : public ClusterMapTest {
 protected:
  // A pod of the Deployment of that name, by its ReplicaSet.
  void DeploymentPod(const std::string& pod, const std::string& deployment) {
    OnPod(Applied(Pod(pod, {}, kBegin, "ReplicaSet", deployment + "-rs")));
    OnPod(Owners(pod, Chain({{"ReplicaSet", deployment + "-rs"}, {"Deployment", deployment}})));
  }
};

TEST_F(ServiceAddressesTest, AClusterAddressIsTheServiceWhateverThePort) {
  const kube::Service web = Service("web", {"10.96.0.10", "fd00:96::a"});
  OnService(Changed(web));
  EXPECT_EQ(At("10.96.0.10", 80), "0: " + ServicePeer("web"));
  EXPECT_EQ(At("10.96.0.10", 8080), "0: " + ServicePeer("web"));
  EXPECT_EQ(At("fd00:96::a"), "0: " + ServicePeer("web"));
  EXPECT_EQ(At("10.96.0.11", 80), "");
  EXPECT_THAT(TakeChanged(), ElementsAre("10.96.0.10", "fd00:96::a"));
  OnService(Deleted(web));
  EXPECT_EQ(At("10.96.0.10", 80), "");
  EXPECT_THAT(TakeChanged(), ElementsAre("10.96.0.10", "fd00:96::a"));
}

TEST_F(ServiceAddressesTest, OneWorkloadBehindItIsNamed) {
  OnSlice(Changed(Slice("web-x", "web", {"web-1", "web-2"})));
  OnService(Changed(Service("web", {"10.96.0.10"})));
  Sync();
  EXPECT_EQ(At("10.96.0.10"), "0: " + ServicePeer("web")) << "the pods are not known yet";
  DeploymentPod("web-1", "web");
  EXPECT_EQ(At("10.96.0.10"), "0: " + ServicePeer("web")) << "one is not";
  TakeChanged();
  DeploymentPod("web-2", "web");
  EXPECT_EQ(At("10.96.0.10"), "0: " + ServicePeer("web", "web")) << "it was so all the time";
  EXPECT_THAT(TakeChanged(), ElementsAre("10.96.0.10"));
}

TEST_F(ServiceAddressesTest, OfSeveralWorkloadsNoneIsNamed) {
  DeploymentPod("web-1", "web");
  DeploymentPod("api-1", "api");
  OnService(Changed(Service("web", {"10.96.0.10"})));
  OnSlice(Changed(Slice("web-x", "web", {"web-1"})));
  Sync();
  EXPECT_EQ(At("10.96.0.10"), "0: " + ServicePeer("web", "web"));
  now_ms_ += 1000;
  OnSlice(Changed(Slice("web-y", "web", {"api-1"})));
  EXPECT_EQ(At("10.96.0.10"), "11000: " + ServicePeer("web")) << "from then on";
  now_ms_ += 1000;
  OnSlice(Deleted(Slice("web-x", "web", {"web-1"})));
  EXPECT_EQ(At("10.96.0.10"), "12000: " + ServicePeer("web", "api"));
}

TEST_F(ServiceAddressesTest, ASwitchIsAnotherWorkloadFromThenOn) {
  DeploymentPod("blue-1", "blue");
  DeploymentPod("green-1", "green");
  OnService(Changed(Service("web", {"10.96.0.10"})));
  OnSlice(Changed(Slice("web-x", "web", {"blue-1"})));
  Sync();
  EXPECT_EQ(At("10.96.0.10"), "0: " + ServicePeer("web", "blue"));
  now_ms_ += 1000;
  OnSlice(Changed(Slice("web-x", "web", {"green-1"})));
  EXPECT_EQ(At("10.96.0.10"), "11000: " + ServicePeer("web", "green"));
}

TEST_F(ServiceAddressesTest, WithoutEndpointsAndWithOnesThatAreNotKnownItStaysAsItWas) {
  DeploymentPod("web-1", "web");
  OnService(Changed(Service("web", {"10.96.0.10"})));
  OnSlice(Changed(Slice("web-x", "web", {"web-1"})));
  Sync();
  const std::string told = "0: " + ServicePeer("web", "web");
  EXPECT_EQ(At("10.96.0.10"), told);
  now_ms_ += 1000;
  OnSlice(Changed(Slice("web-x", "web", {})));
  EXPECT_EQ(At("10.96.0.10"), told);
  OnSlice(Changed(Slice("web-x", "web", {"web-2"})));
  EXPECT_EQ(At("10.96.0.10"), told);
  DeploymentPod("web-2", "web");
  EXPECT_EQ(At("10.96.0.10"), told);
}

TEST_F(ServiceAddressesTest, EndpointsThatAreNoPodsBelongToNoWorkload) {
  DeploymentPod("web-1", "web");
  OnService(Changed(Service("web", {"10.96.0.10"})));
  kube::EndpointSlice slice = Slice("web-x", "web", {"web-1"});
  slice.has_others = true;
  OnSlice(Changed(slice));
  EXPECT_EQ(At("10.96.0.10"), "0: " + ServicePeer("web"));
}

TEST_F(ServiceAddressesTest, BarePodsAreWorkloadsOfTheirOwn) {
  OnPod(Applied(Pod("a", {}, kBegin)));
  OnPod(Applied(Pod("b", {}, kBegin)));
  OnService(Changed(Service("one", {"10.96.0.1"})));
  OnService(Changed(Service("two", {"10.96.0.2"})));
  OnSlice(Changed(Slice("one-x", "one", {"a"})));
  OnSlice(Changed(Slice("two-x", "two", {"a", "b"})));
  EXPECT_EQ(At("10.96.0.1"), "0: " + ServicePeer("one", "a", "pod"));
  EXPECT_EQ(At("10.96.0.2"), "0: " + ServicePeer("two"));
}

TEST_F(ServiceAddressesTest, StaticPodsOfANodeAreNotOneWorkload) {
  OnPod(Applied(Pod("etcd-n1", {}, kBegin, "Node", "n1")));
  OnPod(Applied(Pod("api-n1", {}, kBegin, "Node", "n1")));
  OnService(Changed(Service("control", {"10.96.0.1"})));
  OnSlice(Changed(Slice("control-x", "control", {"etcd-n1", "api-n1"})));
  EXPECT_EQ(At("10.96.0.1"), "0: " + ServicePeer("control"));
}

TEST_F(ServiceAddressesTest, SharedAddressesAreToldByThePort) {
  kube::Service web = Service("web", {"10.96.0.1"}, {{.port = 80}, {.port = 443}});
  kube::Service mail = Service("mail", {"10.96.0.2"}, {{.port = 25}});
  kube::Service relay = Service("relay", {"10.96.0.3"}, {{.port = 25}});
  for (kube::Service* service : {&web, &mail, &relay}) service->shared_ips = {"203.0.113.9"};
  OnService(Changed(web));
  OnService(Changed(mail));
  EXPECT_EQ(At("203.0.113.9", 443), "0: " + ServicePeer("web"));
  EXPECT_EQ(At("203.0.113.9", 25), "0: " + ServicePeer("mail"));
  EXPECT_EQ(At("203.0.113.9", 8080), "");
  EXPECT_EQ(At("203.0.113.9"), "");
  OnService(Changed(relay));
  EXPECT_EQ(At("203.0.113.9", 25), "") << "one by TCP, one by UDP: either may be meant";
  OnService(Deleted(mail));
  EXPECT_EQ(At("203.0.113.9", 25), "0: " + ServicePeer("relay"));
}

TEST_F(ServiceAddressesTest, ANodesPortIsTheServiceOnEveryNode) {
  for (const char* n : {"1", "2"}) {
    kube::Pod pod = Pod(std::string("proxy-") + n, {}, kBegin);
    pod.node_name = std::string("n") + n;
    pod.host_ips = {std::string("192.0.2.") + n};
    OnPod(Applied(pod));
  }
  Sync();
  TakeChanged();
  OnService(Changed(Service("web", {"10.96.0.1"}, {{.port = 80, .node_port = 30080}})));
  EXPECT_THAT(TakeChanged(), ElementsAre("10.96.0.1", "192.0.2.1", "192.0.2.2"));
  EXPECT_EQ(At("192.0.2.1", 30080), "0: " + ServicePeer("web"));
  EXPECT_EQ(At("192.0.2.2", 30080), "0: " + ServicePeer("web"));
  EXPECT_EQ(At("192.0.2.2", 80), "ever: " + NodePeer("n2"));
  EXPECT_EQ(At("192.0.2.2"), "ever: " + NodePeer("n2"));
  EXPECT_EQ(At("192.0.2.3", 30080), "") << "no node that is known";
  now_ms_ += 1000;
  OnService(Changed(Service("web", {"10.96.0.1"}, {{.port = 80, .node_port = 30081}})));
  EXPECT_EQ(At("192.0.2.1", 30080), "ever: " + NodePeer("n1"));
  EXPECT_EQ(At("192.0.2.1", 30081), "11000: " + ServicePeer("web")) << "it has it since then";
}

TEST_F(ServiceAddressesTest, OneThatIsMadeAnewIsAnother) {
  OnService(Changed(Service("web", {"10.96.0.1"})));
  Sync();
  DeploymentPod("web-1", "web");
  OnSlice(Changed(Slice("web-x", "web", {"web-1"})));
  EXPECT_EQ(At("10.96.0.1"), "0: " + ServicePeer("web", "web"));
  kube::Service anew = Service("web", {"10.96.0.2"}, {{.port = 80}}, kBegin + 9000);
  anew.meta.uid = "uid-anew";
  OnService(Changed(anew));
  EXPECT_EQ(At("10.96.0.1"), "");
  EXPECT_EQ(At("10.96.0.2"), "9000: " + ServicePeer("web", "web"));
  OnService(Deleted(Service("web", {"10.96.0.1"})));
  EXPECT_EQ(At("10.96.0.2"), "9000: " + ServicePeer("web", "web")) << "that was the former one's";
}

TEST_F(ServiceAddressesTest, ASliceMayGoToAnotherService) {
  DeploymentPod("web-1", "web");
  OnService(Changed(Service("one", {"10.96.0.1"})));
  OnService(Changed(Service("two", {"10.96.0.2"})));
  OnSlice(Changed(Slice("x", "one", {"web-1"})));
  OnSlice(Changed(Slice("x", "two", {"web-1"})));
  EXPECT_EQ(At("10.96.0.1"), "0: " + ServicePeer("one"));
  EXPECT_EQ(At("10.96.0.2"), "0: " + ServicePeer("two", "web"));
  OnSlice(Changed(Slice("x", "", {"web-1"})));
  OnSlice(Deleted(Slice("x", "", {"web-1"})));
  OnService(Deleted(Service("two", {"10.96.0.2"})));
  EXPECT_EQ(At("10.96.0.2"), "");
}

TEST_F(ServiceAddressesTest, WhatIsNoAddressIsCountedOnce) {
  OnService(Changed(Service("web", {"10.96.0.1", "10.96"})));
  EXPECT_EQ(At("10.96.0.1"), "0: " + ServicePeer("web"));
  EXPECT_EQ(map_.unreadable(), 1);
}

TEST_F(ServiceAddressesTest, APodsOwnAddressGoesFirst) {
  kube::Service web = Service("web", {"10.96.0.1"});
  web.shared_ips = {"10.0.0.1"};
  OnService(Changed(web));
  OnPod(Applied(Pod("a", {"10.0.0.1"}, kBegin)));
  EXPECT_EQ(At("10.0.0.1", 80), "0: " + BarePeer("a"));
}

}  // namespace
}  // namespace leadline::collector::cluster
