#include "collector/promql/exec/context.h"

#include "common/clock.h"

namespace leadline::collector::promql::exec {

absl::Status Context::CheckTime() const {
  if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) {
    return absl::CancelledError("query was canceled in expression evaluation");
  }
  if (SteadyNow() <= deadline) return absl::OkStatus();
  return absl::DeadlineExceededError("query timed out in expression evaluation");
}

absl::Status TimeCheck::After(uint64_t samples) {
  constexpr uint64_t kUncheckedSamples = 100'000;  // a millisecond or a few
  unchecked_ += samples;
  if (unchecked_ < kUncheckedSamples) return absl::OkStatus();
  unchecked_ = 0;
  return context_.CheckTime();
}

}  // namespace leadline::collector::promql::exec
