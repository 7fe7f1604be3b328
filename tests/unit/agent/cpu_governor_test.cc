#include "agent/cpu_governor.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "prometheus/text_serializer.h"

namespace leadline::agent {
namespace {

using testing::HasSubstr;

// What it is told to do; refuses the first time.
class Programs {
 public:
  absl::Status Apply(const probes::Effort& effort) {
    const MutexLock lock(mutex_);
    if (calls_++ == 0) return absl::UnavailableError("not yet");
    effort_ = effort;
    changed_.NotifyAll();
    return absl::OkStatus();
  }
  bool WaitUntilUdpIsGivenUp() {
    const MutexLock lock(mutex_);
    const absl::Time until = SteadyNow() + absl::Seconds(30);
    while (effort_.counts_datagrams && SteadyNow() < until) {
      changed_.WaitFor(mutex_, until - SteadyNow());
    }
    return !effort_.counts_datagrams;
  }
  int calls() {
    const MutexLock lock(mutex_);
    return calls_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  probes::Effort effort_ ABSL_GUARDED_BY(mutex_);
};

CpuGovernor::Options Quick(double limit_cpus, Programs& programs) {
  return {.limit_cpus = limit_cpus,
          .every = absl::Milliseconds(2),
          .window = absl::Milliseconds(1),
          .run_time_ns = [] { return 0; },
          .apply = [&programs](const probes::Effort& effort) { return programs.Apply(effort); }};
}

std::string GovernorMetrics(prometheus::Registry& registry) {
  return prometheus::TextSerializer().Serialize(registry.Collect());
}

TEST(CpuGovernor, GivesUpWhatItMayNotTakeAndAsksAgainWhereThatFails) {
  prometheus::Registry registry;
  Programs programs;
  {
    CpuGovernor governor(Quick(1e-9, programs), registry);
    EXPECT_TRUE(programs.WaitUntilUdpIsGivenUp());
  }
  const std::string metrics = GovernorMetrics(registry);
  EXPECT_THAT(metrics, HasSubstr("leadline_agent_given_up_ratio{what=\"requests\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("leadline_agent_given_up_ratio{what=\"udp\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("leadline_agent_shedding_step 9\n"));
  EXPECT_THAT(metrics, HasSubstr("leadline_agent_shedding_step_timestamp_seconds 1"));
}

TEST(CpuGovernor, MeasuresOnlyWithoutALimit) {
  prometheus::Registry registry;
  Programs programs;
  {
    CpuGovernor governor(Quick(0, programs), registry);
    const std::string unmeasured = "leadline_agent_cpu_cores{of=\"process\"} 0\n";
    while (GovernorMetrics(registry).find(unmeasured) != std::string::npos) {
    }
  }
  EXPECT_EQ(programs.calls(), 0);
  EXPECT_THAT(GovernorMetrics(registry), HasSubstr("leadline_agent_shedding_step 0\n"));
}

}  // namespace
}  // namespace leadline::agent
