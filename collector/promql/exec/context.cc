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

absl::Status Context::CheckDeadline() const {
  if (absl::Now() <= deadline) return absl::OkStatus();
  return absl::DeadlineExceededError("query timed out in expression evaluation");
}

}  // namespace leadline::collector::promql::exec
