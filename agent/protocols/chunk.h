// A piece of one direction of a connection, as it was captured: what one system call read or wrote.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocols/base/connection_info.h"

namespace leadline::agent::protocols {

struct Chunk {
  base::Direction direction = base::Direction::kEgress;
  // Of the direction's bytes, seen or not, how many came before this chunk. A jump says that chunks
  // were lost.
  uint64_t offset = 0;
  uint64_t ts_ns = 0;
  std::string_view bytes;
  // Bytes that followed those and were not captured, by choice.
  uint64_t uncaptured = 0;
};

// What the capture should do with a direction from now on.
struct Want {
  enum class What : uint8_t {
    kBytes,    // from `offset` on; before it lengths and times alone
    kNothing,  // of the whole connection, any more
  };
  What what = What::kBytes;
  uint64_t offset = 0;
};

// How a connection ended.
struct End {
  static constexpr uint64_t kUnknown = UINT64_MAX;
  uint64_t ts_ns = 0;
  uint64_t offset[2] = {kUnknown, kUnknown};  // bytes in all, by direction
};

}  // namespace leadline::agent::protocols
