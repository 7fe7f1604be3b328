// What came of a flow and is not consumed yet, with the times at which it came: in a block of the
// shard's pool, and only while there is something. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/types/span.h"

#include "agent/protocols/base/buffer_pool.h"
#include "agent/protocols/base/input.h"

namespace leadline::agent::protocols {

class FlowBuffer {
 public:
  bool empty() const { return size_ == 0; }
  std::string_view bytes() const { return {block_.data() + begin_, size_}; }
  absl::Span<const base::Input::Mark> marks() const { return {marks_.data(), mark_count_}; }

  // How many of `bytes` there was room for, at most `most`.
  size_t Append(std::string_view bytes, uint64_t ts_ns, size_t most, base::BufferPool& pool);
  // REQUIRES: n <= bytes().size()
  void Consume(size_t n);
  void Clear();

  size_t memory_bytes() const { return block_.size(); }
  // Whether the last Append() failed for want of memory, not of room in a block.
  bool out_of_memory() const { return out_of_memory_; }

 private:
  bool MakeRoom(size_t size, base::BufferPool& pool);
  void AddMark(uint64_t ts_ns);

  base::BufferPool::Block block_;
  uint32_t begin_ = 0;
  uint32_t size_ = 0;
  std::array<base::Input::Mark, 4>
      marks_;  // ends from begin_ on; the last covers all that came since
  uint8_t mark_count_ = 0;
  bool out_of_memory_ = false;
};

}  // namespace leadline::agent::protocols
