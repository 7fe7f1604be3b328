// The bytes that one series has gathered: blocks of an arena, chained.
//
// The first block follows the chain's owner in the arena. It is small, as most series of a million
// have little, and each one is twice the one before, up to a bound; a block's last four bytes name
// the next. Not synchronized.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "collector/store/head/arena.h"

namespace leadline::collector::store::head {

class Chain {
 public:
  static constexpr size_t kLinkBytes = sizeof(Arena::Ref);
  static constexpr size_t kFirstBlockBytes = 16;
  static constexpr size_t kMaxBlockBytes = 64;

  // Between two of the bytes, to read on from.
  struct Position {
    Arena::Ref at = 0;
    uint16_t room = 0;         // from there to the block's link
    uint16_t block_bytes = 0;  // of the block
  };
  // `first` has kFirstBlockBytes.
  static constexpr Position Begin(Arena::Ref first) { return BlockAt(first, kFirstBlockBytes); }

  explicit Chain(Arena::Ref first) : tail_(Begin(first)) {}

  // False, with nothing written, when the arena has no room.
  bool Append(Arena& arena, std::string_view data) {
    const Position before = tail_;
    while (!data.empty()) {
      if (tail_.room == 0) {
        const size_t bytes = BytesBehind(tail_);
        const Arena::Ref next = arena.Allocate(bytes);
        if (next == 0) {
          tail_ = before;
          return false;
        }
        std::memcpy(arena.At(tail_.at), &next, kLinkBytes);
        tail_ = BlockAt(next, bytes);
      }
      const size_t count = std::min<size_t>(data.size(), tail_.room);
      std::memcpy(arena.At(tail_.at), data.data(), count);
      Pass(count);
      data.remove_prefix(count);
    }
    return true;
  }

  // The same for the first `size` of some bytes, which can be copied all at once.
  using Short = std::array<uint8_t, 24>;
  bool Append(Arena& arena, const Short& bytes, size_t size) {
    if (tail_.room < bytes.size()) {
      return Append(arena, {reinterpret_cast<const char*>(bytes.data()), size});
    }
    std::memcpy(arena.At(tail_.at), bytes.data(), bytes.size());  // what is too much: written over
    Pass(size);
    return true;
  }

  // REQUIRES: something was written.
  uint8_t* LastByte(Arena& arena) const {
    return reinterpret_cast<uint8_t*>(arena.At(tail_.at - 1));
  }

  // Behind what was written.
  const Position& position() const { return tail_; }

  // Appends everything from there on to `out`.
  void Read(const Arena& arena, Position from, std::string& out) const {
    while (tail_.at - from.at > from.room) {
      out.append(arena.At(from.at), from.room);
      Arena::Ref next = 0;
      std::memcpy(&next, arena.At(from.at + from.room), kLinkBytes);
      from = BlockAt(next, BytesBehind(from));
    }
    out.append(arena.At(from.at), tail_.at - from.at);
  }

 private:
  static constexpr Position BlockAt(Arena::Ref ref, size_t bytes) {
    return {ref, static_cast<uint16_t>(bytes - kLinkBytes), static_cast<uint16_t>(bytes)};
  }
  // Of the block after that one.
  static size_t BytesBehind(const Position& position) {
    return std::min<size_t>(size_t{2} * position.block_bytes, kMaxBlockBytes);
  }
  void Pass(size_t bytes) {
    tail_.at += static_cast<Arena::Ref>(bytes);
    tail_.room = static_cast<uint16_t>(tail_.room - bytes);
  }

  Position tail_;  // where the next byte goes
};

}  // namespace leadline::collector::store::head
