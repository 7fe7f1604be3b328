// A queue in one piece of memory that is used again: no allocation once it has been as long as it
// gets.
//
// Not thread-safe. References hold until the next Push.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace leadline::agent::protocols::base {

template <typename T>
class Ring {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // REQUIRES: i < size()
  T& operator[](size_t i) { return slots_[(first_ + i) & (slots_.size() - 1)]; }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }

  T& Push(T&& value) {
    if (size_ == slots_.size()) Grow();
    T& slot = (*this)[size_++];
    slot = std::move(value);
    return slot;
  }
  void Pop() {
    front() = T();
    first_ = (first_ + 1) & (slots_.size() - 1);
    --size_;
  }
  void PopBack() {
    back() = T();
    --size_;
  }
  void Clear() {
    while (!empty()) PopBack();
  }
  // Gives memory back beyond that for `keep` elements. REQUIRES: empty()
  void Shrink(size_t keep) {
    if (slots_.size() > keep) std::vector<T>().swap(slots_);
    first_ = 0;
  }
  size_t memory_bytes() const { return slots_.size() * sizeof(T); }

 private:
  void Grow() {
    std::vector<T> grown(slots_.empty() ? 2 : slots_.size() * 2);
    for (size_t i = 0; i < size_; ++i) grown[i] = std::move((*this)[i]);
    slots_ = std::move(grown);
    first_ = 0;
  }

  std::vector<T> slots_;  // a power of two
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace leadline::agent::protocols::base
