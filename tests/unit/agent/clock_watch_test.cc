#include "agent/clock_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace leadline::agent {
namespace {

using testing::HasSubstr;

class ClockWatchTest : public testing::Test {
 protected:
  ClockWatchTest() { watch_.Check(); }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  ManualClock clock_{1'000'000'000, 5'000'000};
  prometheus::Registry registry_;
  ClockWatch watch_{clock_, registry_};
};

TEST_F(ClockWatchTest, TimeThatPassesIsNoStep) {
  for (const int64_t passed_ms : {0, 1, 10'000, 3'600'000}) {
    clock_.AdvanceMs(passed_ms);
    EXPECT_EQ(watch_.Check(), 0);
  }
  EXPECT_THAT(Metrics(), HasSubstr("leadline_agent_clock_steps_total{direction=\"backward\"} 0"));
}

TEST_F(ClockWatchTest, SlewingIsNoStep) {
  clock_.AdvanceMs(10'000);
  clock_.StepMs(833);
  EXPECT_EQ(watch_.Check(), 0);
  clock_.AdvanceMs(1000);
  clock_.StepMs(-250);
  EXPECT_EQ(watch_.Check(), 0);
}

TEST_F(ClockWatchTest, StepsAreCountedWithTheirSizes) {
  clock_.AdvanceMs(10'000);
  clock_.StepMs(-3'600'000);
  testing::internal::CaptureStdout();
  EXPECT_EQ(watch_.Check(), -3'600'000);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("set back by 3600.000 s"));
  EXPECT_EQ(watch_.Check(), 0);
  clock_.AdvanceMs(1000);
  clock_.StepMs(2500);
  EXPECT_EQ(watch_.Check(), 2500);
  clock_.StepMs(251);
  EXPECT_EQ(watch_.Check(), 251);
  EXPECT_THAT(
      Metrics(),
      testing::AllOf(
          HasSubstr("leadline_agent_clock_steps_total{direction=\"backward\"} 1"),
          HasSubstr("leadline_agent_clock_steps_total{direction=\"forward\"} 2"),
          HasSubstr("leadline_agent_clock_step_seconds_total{direction=\"backward\"} 3600"),
          HasSubstr("leadline_agent_clock_step_seconds_total{direction=\"forward\"} 2.751")));
}

// One that is held up, as by a busy machine, between the readings of its two clocks.
class BusyClock final : public Clock {
 public:
  int64_t NowUnixMs() const override { return 1'000'000 + reads_ * 1000; }
  int64_t NowMonoNs() const override { return ++reads_ * 1'000'000'000; }

 private:
  mutable int64_t reads_ = 0;
};

TEST(ClockWatchOfABusyMachine, TellsNothing) {
  const BusyClock clock;
  prometheus::Registry registry;
  ClockWatch watch(clock, registry);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(watch.Check(), 0);
}

}  // namespace
}  // namespace leadline::agent
