// Pages of arenas, cut from huge ones (2 MiB) where the system has those, as arenas are looked at
// here and there. What one arena has given back another takes, so that little of a huge page is
// held for nobody; one of which nothing is taken goes back to the system.
//
// Threading: any thread. The process's pool is never destroyed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/types/span.h"

#include "common/huge_pages.h"
#include "common/mutex.h"

namespace leadline::collector::store::head {

class PagePool {
 public:
  static constexpr size_t kPageBytes = size_t{256} << 10;

  // The process's.
  static PagePool& Get();

  // Whatever it holds. nullptr when the system has no memory.
  char* Take() ABSL_LOCKS_EXCLUDED(mutex_);
  void GiveBack(absl::Span<char* const> pages) ABSL_LOCKS_EXCLUDED(mutex_);

  // Of the system, taken or not.
  size_t bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  static constexpr size_t kPages = kHugePageBytes / kPageBytes;
  using Pages = uint8_t;  // a bit for each of a huge page
  static_assert(kPages == 8);
  static constexpr Pages kAll = UINT8_MAX;

  mutable Mutex mutex_;
  // Where huge pages begin, and which pages of each are free. The first ones are taken from first,
  // so that the others become free.
  absl::btree_map<char*, Pages> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::collector::store::head
