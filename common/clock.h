// Time, injected so that tests decide what time it is.
//
// Thread-safe: Now* may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace leadline {

class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since 1970-01-01T00:00:00Z; may step.
  virtual int64_t NowUnixMs() const = 0;
  // CLOCK_MONOTONIC in nanoseconds, which is what bpf_ktime_get_ns() returns; never steps.
  virtual int64_t NowMonoNs() const = 0;
};

// The system's clocks. The reference is valid for the life of the program.
const Clock& SystemClock();

// CLOCK_MONOTONIC as a time, to be compared with its like alone: for deadlines, and for how long
// something took or shall wait, which somebody who sets the system's clock must not change.
absl::Time SteadyNow();

// A clock that stands still until it is told otherwise.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t unix_ms, int64_t mono_ns = 0)
      : unix_ms_(unix_ms), mono_ns_(mono_ns) {}
  int64_t NowUnixMs() const override { return unix_ms_; }
  int64_t NowMonoNs() const override { return mono_ns_; }
  // As when somebody sets it.
  void StepMs(int64_t ms) { unix_ms_ += ms; }
  void AdvanceMs(int64_t ms) {
    unix_ms_ += ms;
    mono_ns_ += ms * 1'000'000;
  }

 private:
  std::atomic<int64_t> unix_ms_;
  std::atomic<int64_t> mono_ns_;
};

}  // namespace leadline
