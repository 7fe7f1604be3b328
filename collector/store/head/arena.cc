#include "collector/store/head/arena.h"

#include <sys/mman.h>

#include <cstdint>

#include "common/huge_pages.h"

namespace leadline::collector::store::head {
namespace {

constexpr size_t kAlignment = 8;
// Of the processor's cache: pieces of that size are in one each.
constexpr size_t kLineBytes = 64;
constexpr size_t kMaxPages = (uint64_t{1} << 32) / Arena::kPageBytes;
static_assert(kHugePageBytes % Arena::kPageBytes == 0);

// nullptr when the system has no memory.
char* Map(size_t bytes) {
  void* const mapped =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return mapped == MAP_FAILED ? nullptr : static_cast<char*>(mapped);
}

char* MapHugePage() {
  char* const mapped = Map(2 * kHugePageBytes);  // a whole one is within
  if (mapped == nullptr) return nullptr;
  const size_t before = -reinterpret_cast<uintptr_t>(mapped) % kHugePageBytes;
  if (before > 0) munmap(mapped, before);
  munmap(mapped + before + kHugePageBytes, kHugePageBytes - before);
  AdviseHugePages(mapped + before, kHugePageBytes);
  return mapped + before;
}

}  // namespace

Arena::~Arena() {
  for (char* const page : pages_) munmap(page, kPageBytes);
}

bool Arena::AddPages() {
  // What is small takes no huge page.
  const size_t bytes = pages_.empty() ? kPageBytes : kHugePageBytes;
  if (pages_.size() + bytes / kPageBytes > kMaxPages) return false;
  char* const mapped = pages_.empty() ? Map(bytes) : MapHugePage();
  if (mapped == nullptr) return false;
  for (size_t at = 0; at < bytes; at += kPageBytes) pages_.push_back(mapped + at);
  return true;
}

Arena::Ref Arena::Allocate(size_t bytes) {
  const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (used_ + size > kPageBytes) {
    if (begun_ == pages_.size() && !AddPages()) return 0;
    used_ = begun_ == 0 ? kLineBytes : 0;  // 0 is no reference
    ++begun_;
  }
  const Ref ref = static_cast<Ref>(((begun_ - 1) << kPageBits) + used_);
  used_ += size;
  return ref;
}

}  // namespace leadline::collector::store::head
