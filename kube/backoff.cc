#include "kube/backoff.h"

#include <algorithm>
#include <chrono>

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
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  MutexLock lock(mutex_);
  while (!stopped_) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return true;
    changed_.WaitFor(mutex_, absl::FromChrono(left));
  }
  return false;
}

void RealPauser::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  changed_.NotifyAll();
}

}  // namespace leadline::kube
