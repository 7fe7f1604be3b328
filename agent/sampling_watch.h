// Whether the loop that samples comes round, for /livez.
//
// It counts by CLOCK_MONOTONIC, so neither a clock that is set nor a suspended machine looks like a
// loop that stands still. Before Begin, while the agent starts, and after End, while it hands over
// what is left, nothing is expected of the loop. Errors: Check gives UNAVAILABLE with how long it
// has been. Threading: any thread. The clock outlives it.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/clock.h"

namespace leadline::agent {

class SamplingWatch {
 public:
  // So many intervals without one that was finished, and at least so long.
  static constexpr int64_t kIntervals = 3;
  static constexpr absl::Duration kAtLeast = absl::Seconds(60);

  SamplingWatch(const Clock& clock, absl::Duration interval);

  void Begin() { CameRound(); }
  // An interval is finished.
  void CameRound() { last_mono_ns_ = clock_.NowMonoNs(); }
  void End() { last_mono_ns_ = kNotRunning; }

  absl::Status Check() const;

 private:
  static constexpr int64_t kNotRunning = -1;

  const Clock& clock_;
  const absl::Duration interval_;
  const absl::Duration at_most_;
  std::atomic<int64_t> last_mono_ns_ = kNotRunning;
};

}  // namespace leadline::agent
