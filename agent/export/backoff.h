// Exponential back-off with jitter between attempts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace leadline::agent {

struct BackoffOptions {
  absl::Duration initial = absl::Milliseconds(500);
  absl::Duration max = absl::Seconds(30);
  double factor = 2;
  double jitter = 0.3;  // each wait is shortened by up to this fraction of itself, at random
};

class Backoff {
 public:
  Backoff(const BackoffOptions& options, uint64_t seed)
      : options_(options), next_(options.initial), random_(seed) {}

  // The wait before the next attempt; grows with every call until Reset.
  absl::Duration Next() {
    const absl::Duration wait = std::min(next_, options_.max);
    next_ = std::min(wait * options_.factor, options_.max);
    return wait * (1 - options_.jitter * std::uniform_real_distribution<double>(0, 1)(random_));
  }

  void Reset() { next_ = options_.initial; }

 private:
  const BackoffOptions options_;
  absl::Duration next_;
  std::mt19937_64 random_;
};

}  // namespace leadline::agent
