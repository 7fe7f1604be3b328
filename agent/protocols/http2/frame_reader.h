// Reads the frames of one direction of an HTTP/2 connection (RFC 9113): header blocks, put together
// and decoded, beginnings and ends of bodies, and the ends of streams. Other frames are passed
// over.
//
// Nothing is kept of a frame but numbers and the decoder's table. Time is linear in what is read.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/protocols/base/input.h"
#include "agent/protocols/base/limits.h"
#include "agent/protocols/http2/frame.h"
#include "agent/protocols/http2/header_decoder.h"

namespace leadline::agent::protocols::http2 {

class FrameReader {
 public:
  enum class Event : uint8_t {
    kMore,     // there is not enough
    kSkip,     // `skip_bytes` that nobody needs come next
    kField,    // of the block of frame(): name() and value(), or one that is unknown()
    kHead,     // the block is over
    kBody,     // a DATA frame begins: body() has the first bytes of it
    kBodyEnd,  // it is over
    kReset,    // frame() is RST_STREAM: error()
    kGoAway,   // last_stream(), error()
    kInvalid,  // not HTTP/2: Lose() comes next
  };

  // The first bytes that come are the first that were sent; or not.
  void Begin(const base::Limits& limits, bool from_start, bool has_preface);
  void End() { decoder_.End(); }

  // A part of the flow will not be seen. True when it was in a header block: what was told of
  // frame() is all that will be.
  bool Lose();
  bool lost() const { return state_ == State::kLost; }
  // A frame begins with the next byte, or the connection does.
  void Resume(bool at_preface);

  // Reads on from input.bytes[at]; `at` is then behind what was read. REQUIRES: not lost
  Event Next(const base::Input& input, size_t& at);

  // The frame that begins a block, or what is being read.
  const Frame& frame() const { return frame_; }
  uint64_t first_ns() const { return first_ns_; }
  // Of all frames of a block, or of the one.
  uint64_t bytes() const { return bytes_; }
  // Some fields of the block are not known.
  bool incomplete() const { return incomplete_; }
  std::string_view name() const { return field_.name; }
  std::string_view value() const { return field_.value; }
  bool unknown() const { return field_.what == HeaderDecoder::Step::What::kUnknown; }
  std::string_view body() const { return body_; }
  uint64_t skip_bytes() const { return skip_bytes_; }
  uint32_t error() const { return error_; }
  uint32_t last_stream() const { return last_stream_; }

  size_t memory_bytes() const { return decoder_.memory_bytes(); }

 private:
  enum class State : uint8_t {
    kLost,
    kPreface,
    kFrame,     // a frame's header comes next
    kPrefix,    // what stands before a header block's part
    kFragment,  // a part of a header block
    kReset,
    kGoAway,
    kRest,  // `rest_` bytes of the frame
  };

  Event EnterFrame(const base::Input& input, size_t& at);
  bool IsExpected(const Frame& frame) const;
  bool EnterFragment(std::string_view bytes, size_t& at);
  Event ReadFragment(const base::Input& input, size_t& at);
  bool PassRest(const base::Input& input, size_t& at);
  Event EndFrame();
  void BreakBlock();

  HeaderDecoder decoder_;
  HeaderDecoder::Step field_;
  State state_ = State::kLost;
  Frame frame_;
  uint64_t first_ns_ = 0;
  uint64_t bytes_ = 0;
  uint64_t skip_bytes_ = 0;
  std::string_view body_;
  uint32_t error_ = 0;
  uint32_t last_stream_ = 0;
  uint32_t prefix_ = 0;    // bytes before a block's part
  uint32_t fragment_ = 0;  // bytes that are left of it
  uint32_t rest_ = 0;      // bytes that are left of the frame, to be passed over
  uint32_t block_bytes_ = 0;
  uint32_t most_block_bytes_ = 0;
  bool in_block_ = false;    // CONTINUATION comes next
  bool ends_block_ = false;  // this frame does
  bool incomplete_ = false;
  bool broken_ = false;  // the rest of the block is passed over
};

}  // namespace leadline::agent::protocols::http2
