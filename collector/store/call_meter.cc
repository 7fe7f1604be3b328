#include "collector/store/call_meter.h"

#include <algorithm>

#include "common/clock.h"
#include "common/status_macros.h"

namespace leadline::collector::store {

CallMeter::~CallMeter() {
  if (limits_.memory != nullptr) limits_.memory->GiveBack(taken_);
}

absl::Status CallMeter::Refill(uint64_t bytes) {
  LL_RETURN_IF_ERROR(CheckTime());
  if (bytes > unused_) {
    const uint64_t more = std::max(bytes - unused_, kLumpBytes);
    if (limits_.memory != nullptr) LL_RETURN_IF_ERROR(limits_.memory->Take(more));
    taken_ += more;
    unused_ += more;
  }
  unused_ -= bytes;
  steps_left_ = kSteps - 1;
  return absl::OkStatus();
}

absl::Status CallMeter::CheckTime() const {
  if (limits_.cancelled != nullptr && limits_.cancelled->load(std::memory_order_relaxed)) {
    return absl::CancelledError("the query was canceled while gathering series");
  }
  if (limits_.deadline != absl::InfiniteFuture() && SteadyNow() > limits_.deadline) {
    return absl::DeadlineExceededError("the query ran out of time while gathering series");
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store
