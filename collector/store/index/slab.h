// Small objects of a few sizes from large blocks. What is freed is used again for the same size;
// blocks go when the slab does.
//
// Not synchronized. Alignment is 8 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace leadline::collector::store::index {

class Slab {
 public:
  void* Allocate(size_t bytes) {
    const size_t kind = KindOf(bytes);
    if (kind >= kKinds) return ::operator new(bytes);
    if (Free* const free = free_[kind]; free != nullptr) {
      free_[kind] = free->next;
      return free;
    }
    const size_t rounded = (kind + 1) * kStepBytes;
    if (left_bytes_ < rounded) {
      blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kBlockBytes));
      next_ = blocks_.back().get();
      left_bytes_ = kBlockBytes;
    }
    void* const object = next_;
    next_ += rounded;
    left_bytes_ -= rounded;
    return object;
  }

  // REQUIRES: got from Allocate of as many bytes.
  void Deallocate(void* object, size_t bytes) {
    const size_t kind = KindOf(bytes);
    if (kind >= kKinds) {
      ::operator delete(object);
      return;
    }
    free_[kind] = new (object) Free{free_[kind]};
  }

 private:
  static constexpr size_t kStepBytes = 8;
  static constexpr size_t kKinds = 32;  // above, one by one
  static constexpr size_t kBlockBytes = 32 << 10;

  struct Free {
    Free* next;
  };

  static size_t KindOf(size_t bytes) { return (bytes - 1) / kStepBytes; }

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  size_t left_bytes_ = 0;
  std::array<Free*, kKinds> free_{};
};

}  // namespace leadline::collector::store::index
