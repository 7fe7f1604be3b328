#include "kube/backoff.h"

#include <algorithm>

#include "absl/time/time.h"

namespace leadline::kube {

Backoff::Backoff(BackoffOptions options, uint64_t seed)
    : options_(options), bound_ms_(options.initial_ms), random_(seed) {}

int64_t Backoff::NextMs() {
  std::uniform_int_distribution<int64_t> pause(bound_ms_ / 2, bound_ms_);
  const int64_t ms = pause(random_);
  bound_ms_ = std::min(options_.max_ms,
                       static_cast<int64_t>(static_cast<double>(bound_ms_) * options_.factor));
  return ms;
}

bool RealPauser::Wait(int64_t ms) {
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stopped_), absl::Milliseconds(ms));
}

void RealPauser::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
}

}  // namespace leadline::kube
