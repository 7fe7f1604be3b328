// What a call that gathers series may take of time and memory.
//
// Who calls says it; the store looks at it while it gathers, every some hundred series, and before
// it takes memory.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace leadline::collector::store {

// Memory that somebody may hold. Threading: any thread.
class MemoryBound {
 public:
  virtual ~MemoryBound() = default;

  // Before so many bytes are taken, an estimate. RESOURCE_EXHAUSTED when there may not be so many,
  // with what was asked and the limit: then none are.
  virtual absl::Status Take(uint64_t bytes) = 0;
  virtual void GiveBack(uint64_t bytes) = 0;
};

struct CallLimits {
  absl::Time deadline = absl::InfiniteFuture();  // by SteadyNow(); DEADLINE_EXCEEDED after it
  const std::atomic<bool>* cancelled = nullptr;  // CANCELLED once it is set; nullptr: nobody can
  // Of what the call holds. What its answer takes stays taken, for who has the answer to give back.
  // nullptr: no bound.
  MemoryBound* memory = nullptr;
};

}  // namespace leadline::collector::store
