// Memory for what comes in small pieces and goes all at once: pieces are cut from pages one after
// the other, which go together, with the arena.
//
// A piece is named by a reference of 32 bits, 0 for none, and is aligned to 8 bytes; an arena holds
// up to 4 GiB. The first page is mapped for the arena, so that what is small takes no huge page;
// the others come from a pool. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collector/store/head/page_pool.h"

namespace leadline::collector::store::head {

class Arena {
 public:
  using Ref = uint32_t;
  static constexpr size_t kPageBytes = PagePool::kPageBytes;

  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Bytes of any value. 0 when the arena is full or the system has no memory.
  // REQUIRES: 0 < bytes <= kPageBytes / 2.
  Ref Allocate(size_t bytes);

  char* At(Ref ref) { return pages_[ref / kPageBytes] + ref % kPageBytes; }
  const char* At(Ref ref) const { return pages_[ref / kPageBytes] + ref % kPageBytes; }

  // Cut so far.
  size_t bytes() const { return pages_.empty() ? 0 : (pages_.size() - 1) * kPageBytes + used_; }

 private:
  bool AddPage();

  std::vector<char*> pages_;
  size_t used_ = kPageBytes;  // of the last one
};

}  // namespace leadline::collector::store::head
