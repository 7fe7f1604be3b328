// Counts what a call does and holds against its limits. Nearly all of its steps cost a comparison.
//
// Memory is taken from the bound in lumps, before it is needed; what has not been kept is given
// back at the end of the scope. Threading: one thread.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

#include "collector/store/call_limits.h"

namespace leadline::collector::store {

class CallMeter {
 public:
  // Looks at the time after so many steps, and takes no fewer bytes at a time.
  static constexpr uint32_t kSteps = 256;
  static constexpr uint64_t kLumpBytes = 16 << 10;

  // What the limits refer to outlives it.
  explicit CallMeter(const CallLimits& limits) : limits_(limits) {}
  ~CallMeter();
  CallMeter(const CallMeter&) = delete;
  CallMeter& operator=(const CallMeter&) = delete;

  // Before a series, or what else there may be many of, is looked at that takes so many bytes.
  // DEADLINE_EXCEEDED, CANCELLED, or what the bound of memory says.
  absl::Status Step(uint64_t bytes = 0) {
    if (steps_left_ == 0 || bytes > unused_) return Refill(bytes);
    --steps_left_;
    unused_ -= bytes;
    return absl::OkStatus();
  }
  // Of what was taken.
  void GiveBack(uint64_t bytes) { unused_ += bytes; }
  // What is held now, of the answer, stays taken.
  void Keep() { taken_ = unused_; }

 private:
  absl::Status Refill(uint64_t bytes);
  absl::Status CheckTime() const;

  const CallLimits limits_;
  uint32_t steps_left_ = 0;  // the first one looks
  uint64_t unused_ = 0;      // of what is taken
  uint64_t taken_ = 0;
};

}  // namespace leadline::collector::store
