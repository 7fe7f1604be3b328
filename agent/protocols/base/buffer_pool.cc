#include "agent/protocols/base/buffer_pool.h"

namespace leadline::agent::protocols::base {

void BufferPool::Block::Reset() {
  if (pool_ == nullptr) return;
  pool_->Return(std::move(data_), size_);
  pool_ = nullptr;
  size_ = 0;
}

BufferPool::BufferPool(size_t block_bytes, size_t pool_bytes)
    : pool_bytes_(pool_bytes),
      sizes_{block_bytes / 64, block_bytes / 16, block_bytes / 4, block_bytes} {}

BufferPool::Block BufferPool::Take(size_t size) {
  Block block;
  for (size_t i = 0; i < kSizes; ++i) {
    if (sizes_[i] < size) continue;
    if (!kept_[i].empty()) {
      block.data_ = std::move(kept_[i].back());
      kept_[i].pop_back();
      kept_bytes_ -= sizes_[i];
    } else if (MakeRoom(sizes_[i])) {
      block.data_ = std::make_unique_for_overwrite<char[]>(sizes_[i]);
    } else {
      break;
    }
    block.pool_ = this;
    block.size_ = sizes_[i];
    lent_bytes_ += block.size_;
    break;
  }
  return block;
}

void BufferPool::Return(std::unique_ptr<char[]> data, size_t size) {
  lent_bytes_ -= size;
  for (size_t i = 0; i < kSizes; ++i) {
    if (sizes_[i] == size) {
      kept_[i].push_back(std::move(data));
      kept_bytes_ += size;
      return;
    }
  }
}

// Of what is kept, blocks of other sizes go first.
bool BufferPool::MakeRoom(size_t size) {
  for (size_t i = 0; i < kSizes && memory_bytes() + size > pool_bytes_; ++i) {
    kept_bytes_ -= kept_[i].size() * sizes_[i];
    kept_[i].clear();
  }
  return memory_bytes() + size <= pool_bytes_;
}

}  // namespace leadline::agent::protocols::base
