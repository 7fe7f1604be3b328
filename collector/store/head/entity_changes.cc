#include "collector/store/head/entity_changes.h"

#include <algorithm>

namespace leadline::collector::store::head {

void EntityChanges::Add(const Id128& id) {
  MutexLock lock(mutex_);
  const uint64_t number = count_.load(std::memory_order_relaxed);
  if (newest_.size() < kKept) {
    newest_.push_back(id);
  } else {
    newest_[number % kKept] = id;
  }
  count_.store(number + 1, std::memory_order_release);
}

bool EntityChanges::Since(uint64_t seen, size_t most, std::vector<Id128>& out) const {
  if (count() == seen) return true;
  MutexLock lock(mutex_);
  const uint64_t since = count_.load(std::memory_order_relaxed) - seen;
  if (since > std::min(most, kKept)) return false;
  for (uint64_t number = seen; number < seen + since; ++number) {
    out.push_back(newest_[number % kKept]);
  }
  return true;
}

}  // namespace leadline::collector::store::head
