// Memory for what is left of a flow between two chunks, lent to whoever has something left: nearly
// all connections have nothing, so that ten thousand idle ones hold no buffer.
//
// Blocks have four sizes, each four times the one before; those that come back are kept for the
// next. Not thread-safe. Blocks must not outlive the pool.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace leadline::agent::protocols::base {

class BufferPool {
 public:
  class Block {
   public:
    Block() = default;
    Block(Block&& other) noexcept { Swap(other); }
    Block& operator=(Block&& other) noexcept {
      Swap(other);
      return *this;
    }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() { Reset(); }

    void Reset();
    char* data() const { return data_.get(); }
    size_t size() const { return size_; }

   private:
    friend class BufferPool;
    void Swap(Block& other) {
      std::swap(pool_, other.pool_);
      std::swap(data_, other.data_);
      std::swap(size_, other.size_);
    }

    BufferPool* pool_ = nullptr;
    std::unique_ptr<char[]> data_;
    size_t size_ = 0;
  };

  // Blocks of at most `block_bytes`, `pool_bytes` in all.
  BufferPool(size_t block_bytes, size_t pool_bytes);

  // A block of at least `size` bytes: an empty one when that is more than a block may have, or more
  // than is left.
  Block Take(size_t size);

  size_t block_bytes() const { return sizes_.back(); }
  // Lent and kept.
  size_t memory_bytes() const { return lent_bytes_ + kept_bytes_; }

 private:
  static constexpr size_t kSizes = 4;

  void Return(std::unique_ptr<char[]> data, size_t size);
  bool MakeRoom(size_t size);

  const size_t pool_bytes_;
  std::array<size_t, kSizes> sizes_;  // ascending
  std::array<std::vector<std::unique_ptr<char[]>>, kSizes> kept_;
  size_t lent_bytes_ = 0;
  size_t kept_bytes_ = 0;
};

}  // namespace leadline::agent::protocols::base
