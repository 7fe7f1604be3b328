// The system's clocks, through the tape of the calling thread.
//
// A time that the recording does not have is the last one that it had. Not synchronized: for the
// thread that has the tape.
#pragma once

#include <cstdint>

#include "agent/record/tape.h"
#include "common/clock.h"

namespace leadline::agent::record {

class TapedClock final : public Clock {
 public:
  explicit TapedClock(const Clock& clock) : clock_(clock) {}

  int64_t NowUnixMs() const override {
    return unix_ms_ = Taped(
               Topic::kClock, "realtime_ms", [this] { return clock_.NowUnixMs(); }, unix_ms_);
  }
  int64_t NowMonoNs() const override {
    return mono_ns_ = Taped(
               Topic::kClock, "monotonic_ns", [this] { return clock_.NowMonoNs(); }, mono_ns_);
  }

 private:
  const Clock& clock_;
  mutable int64_t unix_ms_ = 0;
  mutable int64_t mono_ns_ = 0;
};

}  // namespace leadline::agent::record
