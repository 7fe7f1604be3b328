// Who the peers are that nobody on the node knows, by what the collector says.
#include <algorithm>

#include "tests/unit/agent/meta/resolver_fixture.h"

namespace leadline::agent::meta {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ToldPeersTest : public testing::Test {
 protected:
  std::shared_ptr<const Peer> Meet(const char* address, uint16_t port = 80) {
    return resolver_.PeerAt(*ParseIpAddress(address), port);
  }
  // The labels; "" where nobody is known.
  std::string At(const char* address, uint16_t port = 80) {
    const auto peer = Meet(address, port);
    return peer == nullptr ? "" : peer->labels.ToString();
  }
  void Answer(const char* address, std::vector<Label> labels, int64_t since_ms = 0,
              uint16_t port = 80) {
    resolver_.OnEvent(PeerAnswer{.endpoint = {*ParseIpAddress(address), port},
                                 .labels = std::move(labels),
                                 .since_ms = since_ms},
                      kStart);
  }
  // "+ADDRESS:PORT" of what is asked for and "-ADDRESS:PORT" of what is forgotten, sorted.
  std::vector<std::string> Questions() {
    std::vector<std::string> texts;
    const PeerQuestions questions = resolver_.TakePeerQuestions();
    const auto add = [&](const char* sign, const IpEndpoint& endpoint) {
      texts.push_back(fmt::format("{}{}:{}", sign, ToText(endpoint.address), endpoint.port));
    };
    for (const IpEndpoint& endpoint : questions.asked) add("+", endpoint);
    for (const IpEndpoint& endpoint : questions.forgotten) add("-", endpoint);
    std::sort(texts.begin(), texts.end());
    return texts;
  }
  double Metric(const std::string& name) {
    for (const auto& family : registry_.Collect()) {
      if (family.name != "leadline_agent_meta_" + name) continue;
      return family.metric[0].gauge.value + family.metric[0].counter.value;
    }
    return -1;
  }
  void Applied(const PodBuilder& pod) { resolver_.OnEvent(PodApplied{pod.Build()}, kStart); }

  prometheus::Registry registry_;
  MetadataResolver resolver_{
      {.cluster = "c1", .node = "n1", .boot_id = "boot", .max_asked_peers = 3}, registry_};
};

PodBuilder LocalPod() {
  return PodBuilder().Uid("a").Name("a").Owners({}).Ips({"10.0.0.1"}).HostIps({"192.0.2.1"});
}

TEST_F(ToldPeersTest, WhatNobodyHereHasIsAskedForOnce) {
  Applied(LocalPod());
  EXPECT_NE(At("10.0.0.1"), "");
  EXPECT_EQ(At("10.0.0.2"), "");
  EXPECT_EQ(At("10.0.0.2"), "");
  EXPECT_EQ(At("10.0.0.2", 443), "");
  EXPECT_EQ(At("127.0.0.1"), "");
  EXPECT_EQ(At("::1"), "");
  EXPECT_THAT(Questions(), ElementsAre("+10.0.0.2:443", "+10.0.0.2:80"));
  EXPECT_THAT(Questions(), IsEmpty());
}

TEST_F(ToldPeersTest, WhatIsToldHoldsUntilSomethingElseIs) {
  Meet("10.0.0.2");
  Meet("10.0.0.2", 443);
  Answer("10.0.0.2", {{"peer_pod", "b"}}, 77);
  EXPECT_EQ(At("10.0.0.2"), R"({peer_pod="b"})");
  EXPECT_EQ(At("10.0.0.2", 443), "") << "that port has not been told of";
  const auto first = Meet("10.0.0.2");
  EXPECT_EQ(first->valid_from_ms, 77);
  Answer("10.0.0.2", {{"peer_pod", "b"}}, 78);
  EXPECT_EQ(Meet("10.0.0.2"), first) << "nothing is new";
  Answer("10.0.0.2", {{"peer_pod", "c"}}, 99);
  EXPECT_EQ(At("10.0.0.2"), R"({peer_pod="c"})");
  Answer("10.0.0.2", {});
  EXPECT_EQ(At("10.0.0.2"), "");
}

TEST_F(ToldPeersTest, AnAnswerToWhatWasNotAskedIsIgnored) {
  Answer("10.0.0.2", {{"peer_pod", "b"}});
  EXPECT_EQ(At("10.0.0.2"), "");
}

TEST_F(ToldPeersTest, WhatNoEdgeMeetsIsForgotten) {
  Meet("10.0.0.2");
  Meet("10.0.0.3");
  resolver_.Expire(kStart);
  EXPECT_EQ(Metric("asked_peers"), 2);
  Questions();
  Answer("10.0.0.2", {{"peer_pod", "b"}});
  Meet("10.0.0.3");
  resolver_.Expire(kStart + 5 * kMinute);
  EXPECT_THAT(Questions(), IsEmpty());
  resolver_.Expire(kStart + 5 * kMinute + 1);
  EXPECT_THAT(Questions(), ElementsAre("-10.0.0.2:80"));
  EXPECT_EQ(Metric("asked_peers"), 1);
  EXPECT_EQ(At("10.0.0.2"), "") << "it is asked for anew";
  EXPECT_THAT(Questions(), ElementsAre("+10.0.0.2:80"));
}

TEST_F(ToldPeersTest, TheNodesAddressIsToldByTheCollectorFirst) {
  Applied(LocalPod());
  EXPECT_EQ(At("192.0.2.1", 30080), R"({peer_node="n1", peer_type="node"})");
  EXPECT_THAT(Questions(), ElementsAre("+192.0.2.1:30080"));
  Answer("192.0.2.1", {{"peer_service", "web"}}, 0, 30080);
  EXPECT_EQ(At("192.0.2.1", 30080), R"({peer_service="web"})");
  EXPECT_EQ(At("192.0.2.1", 0), R"({peer_node="n1", peer_type="node"})");
}

TEST_F(ToldPeersTest, APodHereThatHasEndedGivesWay) {
  Applied(LocalPod());
  Applied(LocalPod().Phase("Succeeded"));
  const std::string here = At("10.0.0.1");
  EXPECT_NE(here, "");
  EXPECT_THAT(Questions(), ElementsAre("+10.0.0.1:80"));
  Answer("10.0.0.1", {{"peer_pod", "b"}});
  EXPECT_EQ(At("10.0.0.1"), R"({peer_pod="b"})");
  Applied(PodBuilder().Uid("c").Name("c").Owners({}).Ips({"10.0.0.1"}));
  EXPECT_NE(At("10.0.0.1"), R"({peer_pod="b"})") << "and so does the collector to one that lives";
}

TEST_F(ToldPeersTest, WhatIsBeyondTheLimitIsNotAskedForAndCounted) {
  for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.4"}) {
    EXPECT_EQ(At(address), "");
  }
  EXPECT_THAT(Questions(), ElementsAre("+10.0.0.1:80", "+10.0.0.2:80", "+10.0.0.3:80"));
  EXPECT_EQ(Metric("unasked_peers_total"), 2);
}

}  // namespace
}  // namespace leadline::agent::meta
