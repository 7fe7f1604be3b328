#include "collector/store/head/arena.h"

#include <sys/mman.h>

namespace leadline::collector::store::head {
namespace {

constexpr size_t kAlignment = 8;
// Of the processor's cache: pieces of that size are in one each.
constexpr size_t kLineBytes = 64;
constexpr size_t kMaxPages = (uint64_t{1} << 32) / Arena::kPageBytes;

}  // namespace

Arena::~Arena() {
  for (char* const page : pages_) munmap(page, kPageBytes);
}

Arena::Ref Arena::Allocate(size_t bytes) {
  const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (used_ + size > kPageBytes) {
    if (pages_.size() == kMaxPages) return 0;
    void* const page =
        mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return 0;
    pages_.push_back(static_cast<char*>(page));
    used_ = pages_.size() == 1 ? kLineBytes : 0;  // 0 is no reference
  }
  const Ref ref = static_cast<Ref>(((pages_.size() - 1) << kPageBits) + used_);
  used_ += size;
  return ref;
}

}  // namespace leadline::collector::store::head
