// How much of what the agent does has to wait, so that it keeps to its share of the CPUs.
//
// Steps are taken one after the other: at 0 all is done, at each further one something less. A step
// up follows at once on an interval that took too much, several where it took many times too much,
// since a step halves what it takes away from. A step down follows on some intervals that took less
// than half of the share: what comes back may double what is used. Where it turns out to be too
// much, the next try waits twice as long.
//
// Pure; not thread-safe.
#pragma once

namespace leadline::agent {

class Governor {
 public:
  // Intervals that have to be calm before a step down.
  static constexpr int kPatience = 3;
  static constexpr int kMostPatience = 96;

  // `limit_cpus`: CPUs' time a second, more than 0. `last_step`: at which nothing more can wait.
  Governor(double limit_cpus, int last_step) : limit_cpus_(limit_cpus), last_step_(last_step) {}

  // The step for the time to come, from what the last interval took.
  int Update(double used_cpus);

  int step() const { return step_; }

 private:
  static constexpr int kHeld = -1;

  const double limit_cpus_;
  const int last_step_;
  int step_ = 0;
  int calm_ = 0;  // intervals in a row that would bear more
  int patience_ = kPatience;
  // Intervals since the last step down, until it has held for kMostPatience or another went up.
  int since_down_ = kHeld;
};

}  // namespace leadline::agent
