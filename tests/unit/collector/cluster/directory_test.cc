#include "collector/cluster/directory.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "prometheus/registry.h"
#include "tests/unit/collector/cluster/objects.h"

namespace leadline::collector::cluster {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DirectoryTest : public testing::Test {
 protected:
  // An agent's end of it.
  struct Asker {
    explicit Asker(const std::shared_ptr<Directory>& directory)
        : inquiry(Directory::Inquire(directory, [this] { ++told; })) {}

    size_t Ask(const std::vector<IpEndpoint>& endpoints) { return inquiry->Ask(endpoints); }
    // "address:port labels", sorted.
    std::vector<std::string> Take(size_t max = 100) {
      std::vector<std::string> taken;
      for (const Answer& answer : inquiry->Take(max)) {
        taken.push_back(fmt::format("{}:{} {}", ToText(answer.endpoint.address),
                                    answer.endpoint.port, answer.who.labels.ToString()));
      }
      std::sort(taken.begin(), taken.end());
      return taken;
    }

    int told = 0;
    std::unique_ptr<Directory::Inquiry> inquiry;
  };

  static IpEndpoint At(const char* address, uint16_t port = 0) {
    return {*ParseIpAddress(address), port};
  }
  void OnPod(const kube::pods::PodEvent& event) {
    directory_->Update([&](ClusterMap& map, int64_t now_ms) { map.OnPod(event, now_ms); });
  }
  void OnService(const kube::Event& event) {
    directory_->Update([&](ClusterMap& map, int64_t now_ms) { map.OnService(event, now_ms); });
  }
  double Metric(const std::string& name, const std::string& value = "") {
    for (const auto& family : registry_.Collect()) {
      if (family.name != "leadline_collector_cluster_" + name) continue;
      for (const auto& metric : family.metric) {
        if (!value.empty() && metric.label[0].value != value) continue;
        return metric.gauge.value + metric.counter.value;
      }
    }
    return -1;
  }

  ManualClock clock_{kBegin + 10'000};
  prometheus::Registry registry_;
  std::shared_ptr<Directory> directory_ = std::make_shared<Directory>(
      Directory::Options{.map = {.retention_ms = 60'000}, .max_asked_each = 3, .max_asked = 4},
      clock_, registry_);
};

TEST_F(DirectoryTest, TellsWhatIsKnownAtOnceAndThatNobodyIsToo) {
  OnPod(Applied(Pod("a", {"10.0.0.1"}, kBegin)));
  Asker asker(directory_);
  EXPECT_EQ(asker.Ask({At("10.0.0.1", 80), At("10.0.0.2")}), 0);
  EXPECT_EQ(asker.told, 1);
  EXPECT_THAT(asker.Take(), ElementsAre("10.0.0.1:80 " + BarePeer("a"), "10.0.0.2:0 {}"));
  EXPECT_EQ(asker.Ask({At("10.0.0.1", 80)}), 0);
  EXPECT_THAT(asker.Take(), IsEmpty()) << "it has been told";
  EXPECT_EQ(Metric("answers_total"), 2);
  EXPECT_EQ(Metric("asked"), 2);
  EXPECT_EQ(Metric("addresses", "pod"), 1);
}

TEST_F(DirectoryTest, TellsEveryChangeToThoseWhoAskedForIt) {
  Asker one(directory_);
  Asker two(directory_);
  one.Ask({At("10.0.0.1", 80), At("10.0.0.1", 443)});
  two.Ask({At("10.0.0.2")});
  one.Take();
  two.Take();
  one.told = two.told = 0;
  OnPod(Applied(Pod("a", {"10.0.0.1"}, kBegin)));
  EXPECT_EQ(one.told, 1) << "once for both";
  EXPECT_EQ(two.told, 0);
  EXPECT_THAT(one.Take(),
              ElementsAre("10.0.0.1:443 " + BarePeer("a"), "10.0.0.1:80 " + BarePeer("a")));
  EXPECT_THAT(two.Take(), IsEmpty());
  OnPod(Applied(Pod("a", {"10.0.0.1"}, kBegin)));
  EXPECT_EQ(one.told, 1) << "nothing is new";
  OnPod(Gone(Pod("a", {"10.0.0.1"}, kBegin)));
  clock_.AdvanceMs(120'000);
  directory_->Expire();
  EXPECT_THAT(one.Take(), ElementsAre("10.0.0.1:443 {}", "10.0.0.1:80 {}")) << "it has ended";
}

TEST_F(DirectoryTest, WhatChangedAndChangedBackIsNotTold) {
  Asker asker(directory_);
  asker.Ask({At("10.96.0.1", 80)});
  asker.Take();
  OnService(Changed(Service("web", {"10.96.0.1"})));
  OnService(Deleted(Service("web", {"10.96.0.1"})));
  EXPECT_THAT(asker.Take(), IsEmpty());
}

TEST_F(DirectoryTest, AnswersMayBeTakenAFewAtATime) {
  Asker asker(directory_);
  asker.Ask({At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.3")});
  EXPECT_EQ(asker.Take(2).size(), 2);
  EXPECT_EQ(asker.Take(2).size(), 1);
  EXPECT_THAT(asker.Take(2), IsEmpty());
}

TEST_F(DirectoryTest, WhatIsForgottenIsNotToldAnyMore) {
  Asker asker(directory_);
  asker.Ask({At("10.0.0.1"), At("10.0.0.2")});
  asker.inquiry->Forget({At("10.0.0.1"), At("10.0.0.9")});
  EXPECT_THAT(asker.Take(), ElementsAre("10.0.0.2:0 {}")) << "not even what was due";
  OnPod(Applied(Pod("a", {"10.0.0.1"}, kBegin)));
  EXPECT_THAT(asker.Take(), IsEmpty());
  asker.Ask({At("10.0.0.1")});
  EXPECT_THAT(asker.Take(), ElementsAre("10.0.0.1:0 " + BarePeer("a")));
  EXPECT_EQ(Metric("asked"), 2);
}

TEST_F(DirectoryTest, WhatIsBeyondTheLimitsIsRefusedAndCounted) {
  Asker one(directory_);
  EXPECT_EQ(one.Ask({At("10.0.0.1"), At("10.0.0.2"), At("10.0.0.3"), At("10.0.0.4")}), 1);
  EXPECT_EQ(Metric("questions_refused_total", "session"), 1);
  auto two = std::make_unique<Asker>(directory_);
  EXPECT_EQ(two->Ask({At("10.0.0.1"), At("10.0.0.2")}), 1);
  EXPECT_EQ(Metric("questions_refused_total", "all"), 1);
  two.reset();
  EXPECT_EQ(Metric("asked"), 3);
  one.inquiry->Forget({At("10.0.0.1")});
  EXPECT_EQ(one.Ask({At("10.0.0.4")}), 0) << "there is room again";
}

TEST_F(DirectoryTest, OutlivesWhoeverHoldsIt) {
  Asker asker(directory_);
  asker.Ask({At("10.0.0.1")});
  directory_.reset();
  EXPECT_THAT(asker.Take(), ElementsAre("10.0.0.1:0 {}"));
}

}  // namespace
}  // namespace leadline::collector::cluster
