// Small objects of a few sizes from large blocks, named by references of 32 bits. What is freed is
// used again for the same size; blocks go when the slab does, those of large objects with them.
//
// Not synchronized. Alignment is 4 bytes. A slab has 16 GiB at most.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace leadline::collector::store::index {

class Slab {
 public:
  using Ref = uint32_t;

  Ref Allocate(size_t bytes) {
    const size_t kind = KindOf(bytes);
    if (kind >= kKinds) return AllocateAlone(bytes);
    if (const Ref free = free_[kind]; free != kNone) {
      free_[kind] = static_cast<const Free*>(At(free))->next;
      return free;
    }
    const size_t units = kind + 1;
    if (end_ - next_ < units) {
      next_ = AddBlock(kBlockBytes);
      end_ = next_ + kBlockUnits;
    }
    const Ref object = next_;
    next_ += static_cast<Ref>(units);
    return object;
  }

  // REQUIRES: got from Allocate of as many bytes.
  void Deallocate(Ref object, size_t bytes) {
    const size_t kind = KindOf(bytes);
    if (kind >= kKinds) {
      blocks_[object >> kUnitBits].reset();
      free_blocks_.push_back(object >> kUnitBits);
      return;
    }
    new (At(object)) Free{free_[kind]};
    free_[kind] = object;
  }

  void* At(Ref object) const {
    return blocks_[object >> kUnitBits].get() + (object & (kBlockUnits - 1)) * kUnitBytes;
  }

 private:
  static constexpr size_t kUnitBytes = 4;
  static constexpr size_t kKinds = 64;  // above, one by one
  static constexpr int kUnitBits = 13;
  static constexpr Ref kBlockUnits = 1 << kUnitBits;
  static constexpr size_t kBlockBytes = kBlockUnits * kUnitBytes;
  static constexpr Ref kNone = UINT32_MAX;

  struct Free {
    Ref next;
  };

  static size_t KindOf(size_t bytes) { return (bytes - 1) / kUnitBytes; }

  static constexpr std::array<Ref, kKinds> NoneFree() {
    std::array<Ref, kKinds> none{};
    none.fill(kNone);
    return none;
  }

  Ref AddBlock(size_t bytes) {
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    return static_cast<Ref>(blocks_.size() - 1) << kUnitBits;
  }

  Ref AllocateAlone(size_t bytes) {
    if (free_blocks_.empty()) return AddBlock(bytes);
    const Ref number = free_blocks_.back();
    free_blocks_.pop_back();
    blocks_[number] = std::make_unique_for_overwrite<std::byte[]>(bytes);
    return number << kUnitBits;
  }

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::vector<Ref> free_blocks_;  // numbers of those that are gone
  Ref next_ = 0;                  // within the last block for small objects, up to `end_`
  Ref end_ = 0;
  std::array<Ref, kKinds> free_ = NoneFree();
};

}  // namespace leadline::collector::store::index
