#include "collector/store/index/postings.h"

#include <algorithm>

namespace leadline::collector::store::index {

Postings& Postings::operator=(Postings&& other) noexcept {
  if (this == &other) return *this;
  Clear();
  size_ = other.size_;
  capacity_ = other.capacity_;
  if (is_bitmap()) {
    bitmap_ = other.bitmap_;
  } else if (capacity_ > kInPlace) {
    array_ = other.array_;
  } else {
    std::copy_n(other.place_, kInPlace, place_);
  }
  other.size_ = 0;
  other.capacity_ = kInPlace;
  return *this;
}

void Postings::Clear() {
  if (is_bitmap()) {
    delete bitmap_;
  } else if (capacity_ > kInPlace) {
    delete[] array_;
  }
  size_ = 0;
  capacity_ = kInPlace;
}

void Postings::Add(uint32_t ordinal) {
  if (is_bitmap()) {
    bitmap_->add(ordinal);
    return;
  }
  uint32_t* const end = ordinals() + size_;
  if (size_ == 0 || end[-1] < ordinal) {
    Insert(end, ordinal);
  } else if (uint32_t* const at = std::lower_bound(ordinals(), end, ordinal); *at != ordinal) {
    Insert(at, ordinal);
  }
}

void Postings::Insert(uint32_t* at, uint32_t ordinal) {
  if (size_ == kMaxArray) {
    auto* const bitmap = new Roaring(size_, ordinals());
    bitmap->add(ordinal);
    Clear();
    bitmap_ = bitmap;
    capacity_ = kBitmap;
    return;
  }
  if (size_ == capacity_) {
    const auto before = at - ordinals();
    auto* const grown = new uint32_t[size_t{2} * capacity_];
    std::copy_n(ordinals(), size_, grown);
    if (capacity_ > kInPlace) delete[] array_;
    array_ = grown;
    capacity_ *= 2;
    at = grown + before;
  }
  std::copy_backward(at, ordinals() + size_, ordinals() + size_ + 1);
  *at = ordinal;
  ++size_;
}

bool Postings::Contains(uint32_t ordinal) const {
  if (is_bitmap()) return bitmap_->contains(ordinal);
  return std::binary_search(ordinals(), ordinals() + size_, ordinal);
}

size_t Postings::size() const { return is_bitmap() ? bitmap_->cardinality() : size_; }

void Postings::AddTo(Roaring& set) const {
  if (is_bitmap()) {
    set |= *bitmap_;
  } else {
    set.addMany(size_, ordinals());
  }
}

size_t Postings::heap_bytes() const {
  if (is_bitmap()) return sizeof(Roaring) + bitmap_->getSizeInBytes();
  return capacity_ > kInPlace ? capacity_ * sizeof(uint32_t) : 0;
}

}  // namespace leadline::collector::store::index
