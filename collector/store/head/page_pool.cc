#include "collector/store/head/page_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace leadline::collector::store::head {
namespace {

// nullptr when the system has no memory.
char* MapHugePage() {
  // A whole one is within.
  void* const mapped =
      mmap(nullptr, 2 * kHugePageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* const begin = static_cast<char*>(mapped);
  const size_t before = -reinterpret_cast<uintptr_t>(begin) % kHugePageBytes;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + kHugePageBytes, kHugePageBytes - before);
  AdviseHugePages(begin + before, kHugePageBytes);
  return begin + before;
}

}  // namespace

PagePool& PagePool::Get() {
  static PagePool* const pool = new PagePool;
  return *pool;
}

char* PagePool::Take() {
  MutexLock lock(mutex_);
  auto it = std::find_if(free_.begin(), free_.end(),
                         [](const auto& huge_page) { return huge_page.second != 0; });
  if (it == free_.end()) {
    char* const begin = MapHugePage();
    if (begin == nullptr) return nullptr;
    it = free_.emplace(begin, kAll).first;
  }
  Pages& free = it->second;
  const auto number = static_cast<size_t>(std::countr_zero(free));
  free &= free - 1;
  return it->first + number * kPageBytes;
}

void PagePool::GiveBack(absl::Span<char* const> pages) {
  MutexLock lock(mutex_);
  for (char* const page : pages) {
    const size_t offset = reinterpret_cast<uintptr_t>(page) % kHugePageBytes;
    const auto it = free_.find(page - offset);
    it->second |= static_cast<Pages>(1 << (offset / kPageBytes));
    if (it->second != kAll) continue;
    munmap(it->first, kHugePageBytes);
    free_.erase(it);
  }
}

size_t PagePool::bytes() const {
  MutexLock lock(mutex_);
  return free_.size() * kHugePageBytes;
}

}  // namespace leadline::collector::store::head
