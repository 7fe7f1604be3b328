#include "agent/protocols/flow_buffer.h"

#include <algorithm>
#include <cstring>

namespace leadline::agent::protocols {

size_t FlowBuffer::Append(std::string_view bytes, uint64_t ts_ns, size_t most,
                          base::BufferPool& pool) {
  size_t taken = std::min(bytes.size(), most);
  taken = std::min(taken, pool.block_bytes() - std::min<size_t>(pool.block_bytes(), size_));
  if (taken == 0 || !MakeRoom(taken, pool)) return 0;
  std::memcpy(block_.data() + begin_ + size_, bytes.data(), taken);
  size_ += static_cast<uint32_t>(taken);
  AddMark(ts_ns);
  return taken;
}

// For `size` bytes behind those that are kept, which are moved when that helps.
bool FlowBuffer::MakeRoom(size_t size, base::BufferPool& pool) {
  out_of_memory_ = false;
  if (begin_ + size_ + size <= block_.size()) return true;
  if (size_ + size <= block_.size()) {
    std::memmove(block_.data(), block_.data() + begin_, size_);
  } else {
    base::BufferPool::Block larger = pool.Take(size_ + size);
    if (larger.size() == 0) {
      out_of_memory_ = true;
      return false;
    }
    if (size_ != 0) std::memcpy(larger.data(), block_.data() + begin_, size_);
    block_ = std::move(larger);
  }
  begin_ = 0;
  return true;
}

void FlowBuffer::AddMark(uint64_t ts_ns) {
  if (mark_count_ > 0 && (marks_[mark_count_ - 1].ts_ns == ts_ns || mark_count_ == marks_.size())) {
    marks_[mark_count_ - 1] = {.end = size_, .ts_ns = ts_ns};
    return;
  }
  marks_[mark_count_++] = {.end = size_, .ts_ns = ts_ns};
}

void FlowBuffer::Consume(size_t n) {
  if (n == size_) {
    Clear();
    return;
  }
  begin_ += static_cast<uint32_t>(n);
  size_ -= static_cast<uint32_t>(n);
  uint8_t kept = 0;
  for (uint8_t i = 0; i < mark_count_; ++i) {
    if (marks_[i].end <= n) continue;
    marks_[kept++] = {.end = marks_[i].end - static_cast<uint32_t>(n), .ts_ns = marks_[i].ts_ns};
  }
  mark_count_ = kept;
}

void FlowBuffer::Clear() {
  block_.Reset();
  begin_ = 0;
  size_ = 0;
  mark_count_ = 0;
}

}  // namespace leadline::agent::protocols
