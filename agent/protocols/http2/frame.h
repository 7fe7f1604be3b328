// HTTP/2's frames (RFC 9113, 4 and 6), as far as they need no state. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"

#include "agent/protocols/http2/detect.h"

namespace leadline::agent::protocols::http2 {

inline constexpr std::string_view kConnectionPreface(LL_HTTP2_PREFACE);

struct Frame {
  uint32_t length = 0;  // of the payload
  uint32_t stream = 0;
  uint8_t type = 0;
  uint8_t flags = 0;

  bool ends_stream() const { return (flags & LL_HTTP2_END_STREAM) != 0; }
  bool ends_head() const { return (flags & LL_HTTP2_END_HEADERS) != 0; }
  bool padded() const { return (flags & LL_HTTP2_PADDED) != 0; }
};

uint32_t ReadBe32(std::string_view bytes);

// REQUIRES: LL_HTTP2_FRAME_HEADER bytes
Frame ReadFrame(std::string_view bytes);

// Whether what a system call read or wrote begins with a frame, as far as can be told: its frames
// are plausible, and end with it, or there are several, or the one is of an open stream. `total` is
// what there was, seen or not.
bool BeginsWithFrame(std::string_view bytes, uint64_t total,
                     absl::FunctionRef<bool(uint32_t stream)> is_open);

// RFC 9113, 7: "CANCEL"; "_OTHER" for one that is not there.
std::string_view ErrorName(uint32_t code);

}  // namespace leadline::agent::protocols::http2
