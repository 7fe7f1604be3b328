// Asks the system for huge pages (2 MiB) where memory is read here and there, or touched all at
// once: fewer faults, and fewer walks of page tables. What the system has none for stays as it is.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace leadline {

inline constexpr size_t kHugePageBytes = size_t{2} << 20;

// For whole huge pages within the range, which is mapped.
inline void AdviseHugePages(void* begin, size_t bytes) {
  const auto first = reinterpret_cast<uintptr_t>(begin);
  const uintptr_t from = (first + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  const uintptr_t to = (first + bytes) / kHugePageBytes * kHugePageBytes;
  if (from < to) madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
}

}  // namespace leadline
