// What a parser gets of one flow, and what it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/types/span.h"

namespace leadline::agent::protocols::base {

// Bytes in order, without holes: those that were left of earlier chunks and those of a new one. A
// view; valid during the call. Times are nanoseconds of the capture's clock.
struct Input {
  // Bytes that came at the same time.
  struct Mark {
    uint32_t end = 0;  // in `bytes`
    uint64_t ts_ns = 0;
  };

  std::string_view bytes;
  uint64_t offset = 0;     // of bytes[0] in the flow
  uint64_t missing = 0;    // bytes behind these that nobody will see; 0: those to come are seen
  uint64_t before_ns = 0;  // when the byte before bytes[0] came
  bool before_estimated = false;  // it was lost, and that is when the last one came that was not
  uint64_t ts_ns = 0;             // when the bytes came that no mark covers
  absl::Span<const Mark> kept;    // of the bytes that were left
  bool begins_chunk = false;      // bytes[0] is the first of what a system call read or wrote
  bool begins_turn = false;       // bytes[0] is the first that came since the other flow spoke
  bool datagram = false;          // `bytes` is one datagram, with what is missing of it

  // REQUIRES: i < bytes.size()
  uint64_t TimeOf(size_t i) const {
    for (const Mark& mark : kept) {
      if (i < mark.end) return mark.ts_ns;
    }
    return ts_ns;
  }
  // Of the last byte before i: where a message ends.
  uint64_t TimeBefore(size_t i) const { return i == 0 ? before_ns : TimeOf(i - 1); }
};

// Why a connection is left alone, or bytes and exchanges are not counted: losses.def.
enum class Loss : uint8_t {
#define LL_LOSS(id, kind, reason, help) k##id,
#include "agent/protocols/base/losses.def"
#undef LL_LOSS
};

// What a parser did with its input and wants next.
struct Verdict {
  enum class Next : uint8_t {
    kMore,  // what is left of the input again, with more behind it
    kSkip,  // nothing of the next `skip` bytes; then a call, though no byte may be there. REQUIRES:
            // all consumed
    kWait,  // what is left again once the other flow has gone on
    kOff,   // nothing of this connection any more, for `loss`
    kRedetect,  // another protocol follows in both flows
  };

  Next next = Next::kMore;
  Loss loss{};
  size_t consumed = 0;
  uint64_t skip = 0;

  static Verdict More(size_t consumed) { return {.consumed = consumed}; }
  static Verdict Skip(size_t consumed, uint64_t skip) {
    return {.next = Next::kSkip, .consumed = consumed, .skip = skip};
  }
  static Verdict Wait(size_t consumed) { return {.next = Next::kWait, .consumed = consumed}; }
  static Verdict Off(Loss loss) { return {.next = Next::kOff, .loss = loss}; }
  static Verdict Redetect(size_t consumed) {
    return {.next = Next::kRedetect, .consumed = consumed};
  }
};

}  // namespace leadline::agent::protocols::base
