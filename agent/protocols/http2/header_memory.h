// The memory of one HPACK decoder: blocks of sizes in powers of two that are used again, so that a
// field costs no allocation once as many have been there at once, and a bound for all of them.
//
// Not thread-safe. What was lent must be given back before it ends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <nghttp2/nghttp2.h>

namespace leadline::agent::protocols::http2 {

class HeaderMemory {
 public:
  HeaderMemory();
  HeaderMemory(const HeaderMemory&) = delete;
  HeaderMemory& operator=(const HeaderMemory&) = delete;
  ~HeaderMemory() { Trim(); }

  void SetBound(size_t most_bytes) { most_bytes_ = most_bytes; }
  // For nghttp2. No memory beyond the bound.
  nghttp2_mem* functions() { return &functions_; }
  // Frees what is not lent.
  void Trim();
  // Lent and kept.
  size_t bytes() const { return bytes_; }

 private:
  struct Block;
  static constexpr size_t kClasses = 15;
  static constexpr size_t kSmallest = 32;

  void* Take(size_t size);
  void Return(void* memory);
  void* Resize(void* memory, size_t size);

  nghttp2_mem functions_;
  std::array<Block*, kClasses> kept_{};
  size_t most_bytes_ = 0;
  size_t bytes_ = 0;
};

}  // namespace leadline::agent::protocols::http2
