// Notices when the system's clock is set: the time of day against CLOCK_MONOTONIC, once an
// interval.
//
//   leadline_agent_clock_steps_total{direction}          forward, backward
//   leadline_agent_clock_step_seconds_total{direction}   their sizes, added up
//
// A step is what differs by more than kLeastStepMs and more than a tenth of the time since the last
// look: whoever slews a clock stays below that (chrony at its fastest by 8 %). A machine that was
// suspended looks as if its clock had been set forward. Not thread-safe; the clock and the registry
// outlive it.
#pragma once

#include <cstdint>
#include <optional>

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "common/clock.h"

namespace leadline::agent {

class ClockWatch {
 public:
  static constexpr int64_t kLeastStepMs = 250;

  ClockWatch(const Clock& clock, prometheus::Registry& registry);

  // Compares with the last call; a step is logged and counted. Returns its size in milliseconds,
  // negative for backward, 0 for none.
  int64_t Check();

 private:
  struct Reading {
    int64_t unix_ms = 0;
    int64_t mono_ms = 0;
  };
  struct Direction {
    prometheus::Counter& steps;
    prometheus::Counter& seconds;
  };

  // nullopt when we were held up between the two clocks.
  std::optional<Reading> Read() const;

  const Clock& clock_;
  prometheus::Family<prometheus::Counter>& steps_;
  prometheus::Family<prometheus::Counter>& seconds_;
  const Direction forward_;
  const Direction backward_;
  std::optional<Reading> last_;
};

}  // namespace leadline::agent
