// Which entities the head learned something of, in order: who has looked at all of them looks only
// at those since.
//
// The newest kKept are known. Threading: any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "common/id128.h"
#include "common/mutex.h"

namespace leadline::collector::store::head {

class EntityChanges {
 public:
  static constexpr size_t kKept = 4096;

  void Add(const Id128& id) ABSL_LOCKS_EXCLUDED(mutex_);
  // So far.
  uint64_t count() const { return count_.load(std::memory_order_acquire); }
  // Adds those since there were `seen`, until there are `most`; false when there are more, or when
  // they are not known any more.
  bool Since(uint64_t seen, size_t most, std::vector<Id128>& out) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  std::vector<Id128> newest_ ABSL_GUARDED_BY(mutex_);  // change n at n % kKept
  std::atomic<uint64_t> count_ = 0;                    // written with mutex_
};

}  // namespace leadline::collector::store::head
