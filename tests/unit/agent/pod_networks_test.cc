#include "agent/pod_networks.h"

#include <map>

#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

constexpr uint64_t kHost = 1;
constexpr uint64_t kPodNetwork = 100;
constexpr Id128 kPod{0, 7};

class PodNetworksTest : public testing::Test {
 protected:
  struct Process {
    uint64_t network;
    uint64_t start_ticks;
  };

  std::optional<uint64_t> Ask(int32_t pid, uint64_t Process::*what) const {
    const auto it = processes_.find(pid);
    return it == processes_.end() ? std::nullopt : std::optional(it->second.*what);
  }

  std::map<int32_t, Process> processes_;
  PodNetworks networks_{{[this](int32_t pid) { return Ask(pid, &Process::network); },
                         [this](int32_t pid) { return Ask(pid, &Process::start_ticks); }},
                        kHost};
};

TEST_F(PodNetworksTest, TheOldestProcessShowsThePodsNetwork) {
  processes_ = {{10, {200, 5}}, {30, {kPodNetwork, 4}}};
  EXPECT_EQ(networks_.Member(kPod, {10, 30}), 30);
}

TEST_F(PodNetworksTest, ItStaysTheSameNetworkWhenThatProcessEnds) {
  processes_ = {{10, {kPodNetwork, 4}}, {20, {200, 5}}, {30, {kPodNetwork, 6}}};
  EXPECT_EQ(networks_.Member(kPod, {10, 20, 30}), 10);
  processes_.erase(10);
  EXPECT_EQ(networks_.Member(kPod, {10, 20, 30}), 30) << "20 is older, but elsewhere";
}

TEST_F(PodNetworksTest, AnotherNetworkWhenNobodyIsLeftInTheFirst) {
  processes_ = {{10, {kPodNetwork, 4}}};
  networks_.Member(kPod, {10});
  processes_ = {{20, {200, 5}}};
  EXPECT_EQ(networks_.Member(kPod, {20}), 20);
}

TEST_F(PodNetworksTest, TheHostsIsNobodys) {
  processes_ = {{10, {kHost, 4}}};
  EXPECT_EQ(networks_.Member(kPod, {10}), std::nullopt);
  processes_[10].network = kPodNetwork;  // the runtime has set it up by now
  EXPECT_EQ(networks_.Member(kPod, {10}), 10);
}

TEST_F(PodNetworksTest, NothingOfProcessesThatAreGone) {
  EXPECT_EQ(networks_.Member(kPod, {10}), std::nullopt);
  EXPECT_EQ(networks_.Member(kPod, {}), std::nullopt);
}

}  // namespace
}  // namespace leadline::agent
