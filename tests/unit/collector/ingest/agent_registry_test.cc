#include "collector/ingest/agent_registry.h"

#include <gtest/gtest.h>

namespace leadline::collector::ingest {
namespace {

struct FakeClaimant final : Claimant {
  void Granted() override { granted = true; }
  void TakenOver(const AgentClaim& /*by*/) override { taken_over = true; }
  bool granted = false;
  bool taken_over = false;
};

const Id128 kAgent{1, 2};

class AgentRegistryTest : public testing::Test {
 protected:
  // True unless it is refused.
  bool Claim(const std::shared_ptr<FakeClaimant>& who, uint64_t epoch, uint64_t instance,
             uint64_t place = 0) {
    return !registry_.Claim(who, {kAgent, epoch, instance, "peer", place});
  }
  AgentRegistry registry_;
  std::shared_ptr<FakeClaimant> first_ = std::make_shared<FakeClaimant>();
  std::shared_ptr<FakeClaimant> second_ = std::make_shared<FakeClaimant>();
  std::shared_ptr<FakeClaimant> third_ = std::make_shared<FakeClaimant>();
};

struct Rule {
  const char* name;
  uint64_t epoch;
  uint64_t instance;
  uint64_t place;
  bool takes_over;
};
class TakeOver : public AgentRegistryTest, public testing::WithParamInterface<Rule> {};

TEST_P(TakeOver, FromALiveHolderOfEpoch5AndInstance7InPlace3) {
  const Rule& rule = GetParam();
  ASSERT_TRUE(Claim(first_, 5, 7, 3));
  ASSERT_TRUE(first_->granted);
  EXPECT_EQ(Claim(second_, rule.epoch, rule.instance, rule.place), rule.takes_over);
  EXPECT_EQ(first_->taken_over, rule.takes_over);
  EXPECT_FALSE(second_->granted);
  registry_.Release(kAgent, first_.get());
  EXPECT_EQ(second_->granted, rule.takes_over);
}

INSTANTIATE_TEST_SUITE_P(Rules, TakeOver,
                         testing::Values(Rule{"started_again", 6, 8, 3, true},
                                         Rule{"started_again_of_an_older_agent", 6, 8, 0, true},
                                         Rule{"copy_that_was_started_more_often", 6, 8, 4, false},
                                         Rule{"same_process", 5, 7, 3, true},
                                         Rule{"replay_of_a_copied_spool", 5, 7, 4, false},
                                         Rule{"same_epoch_of_another", 5, 8, 4, false},
                                         Rule{"same_epoch_of_another_here", 5, 8, 3, false},
                                         Rule{"lower_epoch", 4, 7, 3, false}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(AgentRegistryTest, AnEndedHolderKeepsItsPlaceUntilItIsReleased) {
  ASSERT_TRUE(Claim(first_, 5, 7));
  registry_.Ended(kAgent, first_.get());
  EXPECT_TRUE(Claim(second_, 5, 8));  // whoever it is
  EXPECT_FALSE(first_->taken_over);
  EXPECT_FALSE(second_->granted);
  registry_.Release(kAgent, first_.get());
  EXPECT_TRUE(second_->granted);
}

TEST_F(AgentRegistryTest, TheNewestInLineIsGranted) {
  ASSERT_TRUE(Claim(first_, 5, 7));
  ASSERT_TRUE(Claim(second_, 6, 1));
  ASSERT_TRUE(Claim(third_, 7, 1));
  EXPECT_TRUE(second_->taken_over);
  registry_.Release(kAgent, second_.get());
  EXPECT_FALSE(third_->granted);
  registry_.Release(kAgent, first_.get());
  EXPECT_TRUE(third_->granted);
  EXPECT_FALSE(second_->granted);
}

TEST_F(AgentRegistryTest, OneInLineMayGiveUp) {
  ASSERT_TRUE(Claim(first_, 5, 7));
  ASSERT_TRUE(Claim(second_, 6, 1));
  registry_.Release(kAgent, second_.get());
  registry_.Release(kAgent, first_.get());
  EXPECT_FALSE(second_->granted);
  EXPECT_TRUE(Claim(third_, 1, 1));
  EXPECT_TRUE(third_->granted);
}

TEST_F(AgentRegistryTest, AgentsDoNotMeet) {
  ASSERT_TRUE(Claim(first_, 5, 7));
  EXPECT_FALSE(registry_.Claim(second_, {Id128{3, 4}, 1, 1, "peer"}));
  EXPECT_TRUE(second_->granted);
  EXPECT_FALSE(first_->taken_over);
}

}  // namespace
}  // namespace leadline::collector::ingest
