// A set of ordinals that is small in memory: up to two in place, a sorted array up to some tens, a
// roaring bitmap above. 16 bytes and what they point to.
//
// Ordinals mostly come ascending, which costs the least. Not synchronized: const methods may run
// together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <roaring/roaring.hh>

namespace leadline::collector::store::index {

class Postings {
 public:
  Postings() = default;
  Postings(Postings&& other) noexcept { *this = std::move(other); }
  Postings& operator=(Postings&& other) noexcept;
  ~Postings() { Clear(); }

  // Once or again.
  void Add(uint32_t ordinal);
  bool Contains(uint32_t ordinal) const;
  size_t size() const;
  bool empty() const { return size() == 0; }

  void AddTo(Roaring& set) const;
  // Whether `is_one` is true for one of them; asks no further then.
  template <typename IsOne>
  bool AnyOf(IsOne is_one) const {
    if (is_bitmap()) return std::any_of(bitmap_->begin(), bitmap_->end(), is_one);
    return std::any_of(ordinals(), ordinals() + size_, is_one);
  }

  // What it takes besides itself.
  size_t heap_bytes() const;

 private:
  static constexpr uint32_t kInPlace = 2;
  static constexpr uint32_t kMaxArray = 64;
  static constexpr uint32_t kBitmap = UINT32_MAX;  // as capacity_

  bool is_bitmap() const { return capacity_ == kBitmap; }
  const uint32_t* ordinals() const { return capacity_ == kInPlace ? place_ : array_; }
  uint32_t* ordinals() { return capacity_ == kInPlace ? place_ : array_; }
  void Insert(uint32_t* at, uint32_t ordinal);
  void Clear();

  uint32_t size_ = 0;  // not of a bitmap
  uint32_t capacity_ = kInPlace;
  union {
    uint32_t place_[kInPlace] = {};
    uint32_t* array_;
    Roaring* bitmap_;
  };
};

}  // namespace leadline::collector::store::index
