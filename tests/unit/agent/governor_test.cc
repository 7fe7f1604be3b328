#include "agent/governor.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr int kLast = 8;

std::vector<int> Steps(Governor& governor, const std::vector<double>& used) {
  std::vector<int> steps;
  for (const double cpus : used) steps.push_back(governor.Update(cpus));
  return steps;
}

TEST(Governor, DoesAllWithinItsShare) {
  Governor governor(0.5, kLast);
  EXPECT_THAT(Steps(governor, std::vector<double>(20, 0.5)), Each(0));
}

TEST(Governor, GivesUpAtOnceAndMoreWhereItIsFarAbove) {
  Governor governor(0.1, kLast);
  EXPECT_THAT(Steps(governor, {0.11, 0.19, 0.79}), ElementsAre(1, 2, 5));
  EXPECT_THAT(Steps(governor, {100, 100}), ElementsAre(kLast, kLast));
}

TEST(Governor, TakesBackAStepAfterCalmIntervalsOnly) {
  Governor governor(1, kLast);
  EXPECT_THAT(Steps(governor, {3.9, 0.4, 0.4, 0.6, 0.4, 0.4, 0.4, 0.4}),
              ElementsAre(2, 2, 2, 2, 2, 2, 1, 1));
}

TEST(Governor, StaysWhereAStepDownWouldBeTooMuch) {
  Governor governor(1, kLast);
  EXPECT_THAT(Steps(governor, {1.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9}), Each(1));
}

// What comes back at a step down is far more than twice: a hook that is not sampled.
TEST(Governor, TriesLessAndLessOftenWhatIsTooMuch) {
  Governor governor(1, kLast);
  std::vector<int> waits;
  int waited = 0;
  double used = 5;
  for (int i = 0; i < 400; ++i) {
    const int step = governor.Update(used);
    used = step >= 3 ? 0.1 : 5;
    if (step == 2) {
      waits.push_back(waited);
      waited = 0;
    }
    ++waited;
  }
  ASSERT_GE(waits.size(), 5U);
  EXPECT_TRUE(std::is_sorted(waits.begin(), waits.end()));
  EXPECT_GT(waits.back(), 4 * Governor::kPatience);
  EXPECT_LE(waits.back(), 4 * Governor::kMostPatience);
}

TEST(Governor, IsAsReadyAsBeforeAfterALongTimeOfPeace) {
  Governor governor(1, kLast);
  for (int i = 0; i < 5; ++i) Steps(governor, {1.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 1.5});
  Steps(governor, std::vector<double>(1000, 0.1));
  EXPECT_EQ(governor.step(), 0);
  EXPECT_THAT(Steps(governor, {1.5, 0.1, 0.1, 0.1}), ElementsAre(1, 1, 1, 0));
}

}  // namespace
}  // namespace leadline::agent
