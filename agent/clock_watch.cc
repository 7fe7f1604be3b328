#include "agent/clock_watch.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <spdlog/spdlog.h>

namespace leadline::agent {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int kAttempts = 5;
constexpr int64_t kHeldUpMs = 20;

}  // namespace

ClockWatch::ClockWatch(const Clock& clock, prometheus::Registry& registry)
    : clock_(clock),
      steps_(prometheus::BuildCounter()
                 .Name("leadline_agent_clock_steps_total")
                 .Help("Times that the system's clock was set, by direction.")
                 .Register(registry)),
      seconds_(prometheus::BuildCounter()
                   .Name("leadline_agent_clock_step_seconds_total")
                   .Help("By how much the system's clock was set, added up, by direction.")
                   .Register(registry)),
      forward_{steps_.Add({{"direction", "forward"}}), seconds_.Add({{"direction", "forward"}})},
      backward_{steps_.Add({{"direction", "backward"}}),
                seconds_.Add({{"direction", "backward"}})} {}

std::optional<ClockWatch::Reading> ClockWatch::Read() const {
  for (int i = 0; i < kAttempts; ++i) {
    const int64_t before_ns = clock_.NowMonoNs();
    const int64_t unix_ms = clock_.NowUnixMs();
    const int64_t after_ns = clock_.NowMonoNs();
    if (after_ns - before_ns <= kHeldUpMs * kNsPerMs) {
      return Reading{.unix_ms = unix_ms, .mono_ms = after_ns / kNsPerMs};
    }
  }
  return std::nullopt;
}

int64_t ClockWatch::Check() {
  const std::optional<Reading> now = Read();
  if (!now) return 0;  // the next look covers this time too
  const std::optional<Reading> last = std::exchange(last_, now);
  if (!last) return 0;
  const int64_t passed_ms = now->mono_ms - last->mono_ms;
  const int64_t step_ms = now->unix_ms - last->unix_ms - passed_ms;
  if (std::abs(step_ms) <= std::max(kLeastStepMs, passed_ms / 10)) return 0;
  const Direction& direction = step_ms > 0 ? forward_ : backward_;
  const double seconds = static_cast<double>(std::abs(step_ms)) / 1000;
  direction.steps.Increment();
  direction.seconds.Increment(seconds);
  if (step_ms > 0) {
    spdlog::warn("the clock was set forward by {:.3f} s, or the machine was suspended", seconds);
  } else {
    spdlog::warn(
        "the clock was set back by {:.3f} s: no samples are taken until it has passed the last "
        "one; counters lose nothing by that",
        seconds);
  }
  return step_ms;
}

}  // namespace leadline::agent
