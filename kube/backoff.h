// Growing pauses between attempts, and the waiting itself.
#pragma once

#include <cstdint>
#include <random>

#include "absl/base/thread_annotations.h"

#include "common/mutex.h"

namespace leadline::kube {

struct BackoffOptions {
  int64_t initial_ms = 200;
  int64_t max_ms = 30'000;
  double factor = 2;
};

// Each pause is drawn evenly from the upper half of a bound that grows by `factor` up to `max_ms`,
// so that the agents of a cluster do not come back together. Not thread-safe.
class Backoff {
 public:
  Backoff(BackoffOptions options, uint64_t seed);

  int64_t NextMs();
  // After a success: the next pause is a first one.
  void Reset() { bound_ms_ = options_.initial_ms; }

 private:
  const BackoffOptions options_;
  int64_t bound_ms_;
  std::mt19937_64 random_;
};

// A wait that another thread can end. Thread-safe.
class Pauser {
 public:
  virtual ~Pauser() = default;
  // False, at once, when stopped.
  virtual bool Wait(int64_t ms) = 0;
  virtual void Stop() = 0;
};

class RealPauser final : public Pauser {
 public:
  bool Wait(int64_t ms) override ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace leadline::kube
