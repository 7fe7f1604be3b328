#include "collector/promql/exec/context.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace leadline::collector::promql::exec {

absl::Status SampleBudget::Charge(uint64_t samples) {
  if (samples > remaining()) {
    return absl::ResourceExhaustedError(
        "query processing would load too many samples into memory in query execution");
  }
  held_ += samples;
  peak_ = std::max(peak_, held_);
  return absl::OkStatus();
}

absl::Status Context::CheckTime() const {
  if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) {
    return absl::CancelledError("query was canceled in expression evaluation");
  }
  if (absl::Now() <= deadline) return absl::OkStatus();
  return absl::DeadlineExceededError("query timed out in expression evaluation");
}

absl::Status Context::CheckTimeAfter(uint64_t samples) {
  constexpr uint64_t kUncheckedSamples = 100'000;  // a millisecond or a few
  unchecked_samples += samples;
  if (unchecked_samples < kUncheckedSamples) return absl::OkStatus();
  unchecked_samples = 0;
  return CheckTime();
}

}  // namespace leadline::collector::promql::exec
