#include "collector/store/head/arena.h"

#include <sys/mman.h>

#include <cstdint>

#include "absl/types/span.h"

namespace leadline::collector::store::head {
namespace {

constexpr size_t kAlignment = 8;
constexpr size_t kMaxPages = (uint64_t{1} << 32) / Arena::kPageBytes;

}  // namespace

Arena::~Arena() {
  if (pages_.empty()) return;
  munmap(pages_.front(), kPageBytes);
  PagePool::Get().GiveBack(absl::MakeConstSpan(pages_).subspan(1));
}

bool Arena::AddPage() {
  if (pages_.size() == kMaxPages) return false;
  char* page = nullptr;
  if (pages_.empty()) {
    void* const mapped =
        mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped != MAP_FAILED) page = static_cast<char*>(mapped);
    used_ = kAlignment;  // 0 is no reference
  } else {
    page = PagePool::Get().Take();
    used_ = 0;
  }
  if (page == nullptr) {
    used_ = kPageBytes;
    return false;
  }
  pages_.push_back(page);
  return true;
}

Arena::Ref Arena::Allocate(size_t bytes) {
  const size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (used_ + size > kPageBytes && !AddPage()) return 0;
  const auto ref = static_cast<Ref>((pages_.size() - 1) * kPageBytes + used_);
  used_ += size;
  return ref;
}

}  // namespace leadline::collector::store::head
