// Memory for what comes in small pieces and goes all at once: pieces are cut from pages one after
// the other, and given back to the system together, with the arena.
//
// A piece is named by a reference of 32 bits, 0 for none, and is aligned to 8 bytes; an arena holds
// up to 4 GiB. Pages are mapped, so that those that are gone are not the process' any more; all but
// the first are halves of huge ones, where the system has those, as pieces are looked at here and
// there. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace leadline::collector::store::head {

class Arena {
 public:
  using Ref = uint32_t;
  static constexpr size_t kPageBits = 20;
  static constexpr size_t kPageBytes = size_t{1} << kPageBits;

  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Zeros. 0 when the arena is full or the system has no memory.
  // REQUIRES: 0 < bytes <= kPageBytes / 2.
  Ref Allocate(size_t bytes);

  char* At(Ref ref) { return pages_[ref >> kPageBits] + (ref & (kPageBytes - 1)); }
  const char* At(Ref ref) const { return pages_[ref >> kPageBits] + (ref & (kPageBytes - 1)); }

  // Cut so far.
  size_t bytes() const { return begun_ == 0 ? 0 : (begun_ - 1) * kPageBytes + used_; }

 private:
  bool AddPages();

  std::vector<char*> pages_;
  size_t begun_ = 0;          // of those, from the first on
  size_t used_ = kPageBytes;  // of the last one that was begun
};

}  // namespace leadline::collector::store::head
