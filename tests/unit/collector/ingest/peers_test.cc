// Who has which address: an agent's questions and the collector's answers, over the wire.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/cluster/directory.h"
#include "pipeline.h"
#include "tests/unit/collector/cluster/objects.h"

namespace leadline::collector::ingest {
namespace {

using cluster::Applied;
using cluster::BarePeer;
using cluster::Pod;
using testing::IsEmpty;

class PeersOnTheWire : public testing::Test {
 protected:
  explicit PeersOnTheWire(cluster::Directory::Options options = {})
      : directory_(std::make_shared<cluster::Directory>(options, clock_, registry_)) {
    collector_.options.directory = directory_;
    collector_.options.cluster = "cluster";
    collector_.Start();
  }
  ~PeersOnTheWire() override { EXPECT_THAT(store_.complaints(), IsEmpty()); }

  void Connect(const std::string& cluster = "cluster") {
    agent_ = std::make_unique<TestAgent>(
        collector_.proxy().port(), ++epoch_,
        [&](agent::SenderOptions& options) { options.cluster = cluster; });
  }
  static IpEndpoint At(const std::string& address, uint16_t port = 80) {
    return {*ParseIpAddress(address), port};
  }
  void Ask(std::vector<IpEndpoint> asked, std::vector<IpEndpoint> forgotten = {}) {
    agent_->sender().AskPeers({.asked = std::move(asked), .forgotten = std::move(forgotten)});
  }
  void Tell(const kube::pods::PodEvent& event) {
    directory_->Update([&](cluster::ClusterMap& map, int64_t now_ms) { map.OnPod(event, now_ms); });
  }
  // Whether the agent is told that before long, and nothing else of that address in the end.
  bool IsTold(const IpEndpoint& endpoint, const std::string& labels) {
    return Eventually([&] {
      for (const agent::PeerAnswer& answer : agent_->sender().TakePeerAnswers(1000)) {
        told_[{ToText(answer.endpoint.address), answer.endpoint.port}] =
            LabelSet(answer.labels).ToString();
      }
      const auto told = told_.find({ToText(endpoint.address), endpoint.port});
      return told != told_.end() && told->second == labels;
    });
  }
  double Asked() { return MetricValue(registry_, "leadline_collector_cluster_asked"); }

  ManualClock clock_{kNowMs};
  prometheus::Registry registry_;
  std::shared_ptr<cluster::Directory> directory_;
  FakeStore store_;
  TestCollector collector_{&store_};
  uint64_t epoch_ = 0;
  std::unique_ptr<TestAgent> agent_;
  std::map<std::pair<std::string, uint16_t>, std::string> told_;
};

TEST_F(PeersOnTheWire, AreToldAtOnceAndWhenTheyChange) {
  Tell(Applied(Pod("a", {"10.0.0.1"}, kNowMs)));
  Connect();
  Ask({At("10.0.0.1"), At("10.0.0.2"), At("fd00::1", 0)});
  EXPECT_TRUE(IsTold(At("10.0.0.1"), BarePeer("a")));
  EXPECT_TRUE(IsTold(At("10.0.0.2"), "{}")) << "that nobody is known, too";
  Tell(Applied(Pod("b", {"10.0.0.2", "fd00::1"}, kNowMs)));
  EXPECT_TRUE(IsTold(At("10.0.0.2"), BarePeer("b")));
  EXPECT_TRUE(IsTold(At("fd00::1", 0), BarePeer("b")));
  agent_->SendOne(1);
  EXPECT_EQ(agent_->sender().Stop(kPatience), absl::OkStatus()) << "batches go their way beside";
  EXPECT_TRUE(Eventually([&] { return Asked() == 0; })) << "the session has ended";
}

TEST_F(PeersOnTheWire, AreAskedForAgainInEachSession) {
  Tell(Applied(Pod("a", {"10.0.0.1"}, kNowMs)));
  Connect();
  Ask({At("10.0.0.1"), At("10.0.0.2")});
  EXPECT_TRUE(IsTold(At("10.0.0.1"), BarePeer("a")));
  collector_.Kill();
  directory_ =
      std::make_shared<cluster::Directory>(cluster::Directory::Options{}, clock_, registry_);
  collector_.options.directory = directory_;
  collector_.Start();
  EXPECT_TRUE(IsTold(At("10.0.0.1"), "{}")) << "one that knows nothing yet";
  Tell(Applied(Pod("b", {"10.0.0.1"}, kNowMs)));
  EXPECT_TRUE(IsTold(At("10.0.0.1"), BarePeer("b")));
}

TEST_F(PeersOnTheWire, AreForgottenWhereTheAgentForgetsThem) {
  Connect();
  Ask({At("10.0.0.1"), At("10.0.0.2")});
  EXPECT_TRUE(Eventually([&] { return Asked() == 2; }));
  Ask({At("10.0.0.3")}, {At("10.0.0.1")});
  EXPECT_TRUE(IsTold(At("10.0.0.3"), "{}"));
  EXPECT_EQ(Asked(), 2);
}

TEST_F(PeersOnTheWire, ManyGoInSeveralMessages) {
  std::vector<IpEndpoint> asked;
  for (int i = 0; i < 10'000; ++i) {
    const std::string address = fmt::format("10.1.{}.{}", i / 250, i % 250);
    Tell(Applied(Pod(fmt::format("p{}", i), {address}, kNowMs)));
    asked.push_back(At(address));
  }
  Connect();
  Ask(asked);
  size_t answers = 0;
  EXPECT_TRUE(Eventually([&] {
    answers += agent_->sender().TakePeerAnswers(100'000).size();
    return answers == asked.size();
  })) << answers;
}

TEST_F(PeersOnTheWire, AnotherClustersAgentsAreNotTold) {
  Connect("another");
  Ask({At("10.0.0.1")});
  agent_->SendOne(1);
  EXPECT_EQ(agent_->sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(MetricValue(registry_, "leadline_collector_cluster_answers_total"), 0);
  EXPECT_THAT(agent_->sender().TakePeerAnswers(100), IsEmpty());
}

TEST_F(PeersOnTheWire, ACollectorThatKnowsNoClusterIsNotAsked) {
  collector_.Kill();
  collector_.options.directory = nullptr;
  collector_.Start();
  Connect();
  Ask({At("10.0.0.1")});
  agent_->SendOne(1);
  EXPECT_TRUE(Eventually([&] { return agent_->sender().acknowledged_sequence() == 1; }));
  Tell(Applied(Pod("a", {"10.0.0.1"}, kNowMs)));
  collector_.Kill();
  collector_.options.directory = directory_;
  collector_.Start();
  EXPECT_TRUE(IsTold(At("10.0.0.1"), BarePeer("a"))) << "the next one is";
}

class FewPeersOnTheWire : public PeersOnTheWire {
 protected:
  FewPeersOnTheWire() : PeersOnTheWire({.max_asked_each = 2}) {}
};

TEST_F(FewPeersOnTheWire, WhatIsBeyondTheLimitIsCountedAndTheSessionGoesOn) {
  Tell(Applied(Pod("a", {"10.0.0.1", "10.0.0.2", "10.0.0.3"}, kNowMs)));
  Connect();
  Ask({At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.3")});
  EXPECT_TRUE(Eventually([&] {
    return MetricValue(registry_, "leadline_collector_cluster_questions_refused_total",
                       "session") == 1;
  }));
  EXPECT_EQ(Asked(), 2);
  agent_->SendOne(1);
  EXPECT_EQ(agent_->sender().Stop(kPatience), absl::OkStatus());
}

}  // namespace
}  // namespace leadline::collector::ingest
