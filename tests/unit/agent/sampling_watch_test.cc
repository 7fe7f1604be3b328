#include "agent/sampling_watch.h"

#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

class SamplingWatchTest : public testing::Test {
 protected:
  ManualClock clock_{1'000'000'000, 5'000'000};
};

TEST_F(SamplingWatchTest, FailsAfterThreeIntervalsAndAMinute) {
  struct Case {
    absl::Duration interval;
    int64_t well_ms;
  };
  for (const auto& [interval, well_ms] :
       {Case{absl::Milliseconds(100), 60'000}, Case{absl::Seconds(10), 60'000},
        Case{absl::Seconds(20), 60'000}, Case{absl::Seconds(30), 90'000},
        Case{absl::Hours(1), 3 * 3'600'000}}) {
    SamplingWatch watch(clock_, interval);
    watch.Begin();
    clock_.AdvanceMs(well_ms);
    EXPECT_TRUE(watch.Check().ok()) << interval;
    clock_.AdvanceMs(1);
    EXPECT_EQ(watch.Check().code(), absl::StatusCode::kUnavailable) << interval;
    watch.CameRound();
    EXPECT_TRUE(watch.Check().ok()) << interval;
  }
}

TEST_F(SamplingWatchTest, SaysForHowLong) {
  SamplingWatch watch(clock_, absl::Seconds(10));
  watch.Begin();
  clock_.AdvanceMs(75'500);
  EXPECT_EQ(watch.Check().message(), "nothing was sampled for 1m15s, with an interval of 10s");
}

TEST_F(SamplingWatchTest, ExpectsNothingWhileTheAgentStartsAndEnds) {
  SamplingWatch watch(clock_, absl::Seconds(10));
  clock_.AdvanceMs(3'600'000);
  EXPECT_TRUE(watch.Check().ok());
  watch.Begin();
  EXPECT_TRUE(watch.Check().ok());
  watch.End();
  clock_.AdvanceMs(3'600'000);
  EXPECT_TRUE(watch.Check().ok());
}

TEST_F(SamplingWatchTest, AClockThatIsSetIsNoStandstill) {
  SamplingWatch watch(clock_, absl::Seconds(10));
  watch.Begin();
  for (const int64_t step_ms : {86'400'000, -2 * 86'400'000}) {
    clock_.StepMs(step_ms);
    EXPECT_TRUE(watch.Check().ok()) << step_ms;
  }
}

}  // namespace
}  // namespace leadline::agent
