#include "agent/protocols/http2/frame_reader.h"

#include <algorithm>

namespace leadline::agent::protocols::http2 {
namespace {

using base::Input;
using What = HeaderDecoder::Step::What;

// Of a body: a gRPC message's head, and the length of padding before it.
constexpr uint32_t kBodyPrefix = 6;
constexpr uint32_t kPriorityBytes = 5;
// What a frame may have before SETTINGS allow more (RFC 9113, 4.2).
constexpr uint32_t kLargestExtension = 16384;

}  // namespace

void FrameReader::Begin(const base::Limits& limits, bool from_start, bool has_preface) {
  most_block_bytes_ = limits.header_block_bytes;
  decoder_.Begin(limits.header_table_bytes, from_start);
  state_ = !from_start ? State::kLost : has_preface ? State::kPreface : State::kFrame;
  in_block_ = false;
}

bool FrameReader::Lose() {
  const bool in_block = in_block_ || state_ == State::kPrefix || state_ == State::kFragment;
  const bool in_head = in_block && frame_.type == LL_HTTP2_HEADERS;
  decoder_.Forget();
  state_ = State::kLost;
  in_block_ = false;
  return in_head;
}

void FrameReader::Resume(bool at_preface) {
  if (at_preface) decoder_.Restart(true);
  state_ = at_preface ? State::kPreface : State::kFrame;
}

FrameReader::Event FrameReader::Next(const Input& input, size_t& at) {
  while (true) {
    const std::string_view left = input.bytes.substr(at);
    Event event = Event::kMore;
    switch (state_) {
      case State::kLost:
        return Event::kInvalid;
      case State::kPreface: {
        const size_t size = std::min(left.size(), kConnectionPreface.size());
        if (left.substr(0, size) != kConnectionPreface.substr(0, size)) return Event::kInvalid;
        if (size < kConnectionPreface.size()) return Event::kMore;
        at += size;
        state_ = State::kFrame;
        continue;
      }
      case State::kFrame:
        if (left.empty()) return Event::kMore;
        event = EnterFrame(input, at);
        if (event != Event::kField) return event;
        continue;
      case State::kPrefix:
        if (left.size() < prefix_) return Event::kMore;
        if (!EnterFragment(left, at)) return Event::kInvalid;
        continue;
      case State::kFragment:
        event = ReadFragment(input, at);
        if (event != Event::kHead) return event;
        state_ = State::kRest;
        continue;
      case State::kReset:
        if (left.size() < 4) return Event::kMore;
        error_ = ReadBe32(left);
        at += 4;
        state_ = State::kFrame;
        return Event::kReset;
      case State::kGoAway:
        if (left.size() < 8) return Event::kMore;
        last_stream_ = ReadBe32(left) & 0x7fffffff;
        error_ = ReadBe32(left.substr(4));
        at += 8;
        state_ = State::kRest;
        return Event::kGoAway;
      case State::kRest:
        if (!PassRest(input, at)) return Event::kSkip;
        state_ = State::kFrame;
        event = EndFrame();
        if (event != Event::kMore) return event;
        continue;
    }
  }
}

// kField: read on.
FrameReader::Event FrameReader::EnterFrame(const Input& input, size_t& at) {
  const std::string_view left = input.bytes.substr(at);
  if (left.size() < LL_HTTP2_FRAME_HEADER) return Event::kMore;
  const Frame next = ReadFrame(left);
  if (!IsExpected(next)) return Event::kInvalid;
  const std::string_view payload = left.substr(LL_HTTP2_FRAME_HEADER);
  const bool is_body = next.type == LL_HTTP2_DATA;
  if (is_body && payload.size() < std::min(next.length, kBodyPrefix) && input.missing == 0) {
    return Event::kMore;
  }
  const uint64_t ts_ns = input.TimeOf(at);
  at += LL_HTTP2_FRAME_HEADER;
  rest_ = next.length;
  ends_block_ = false;

  if (next.type == LL_HTTP2_CONTINUATION) {
    bytes_ += LL_HTTP2_FRAME_HEADER + uint64_t{next.length};
    fragment_ = next.length;
    rest_ = 0;
    ends_block_ = next.ends_head();
    state_ = State::kFragment;
    return Event::kField;
  }
  frame_ = next;
  first_ns_ = ts_ns;
  bytes_ = LL_HTTP2_FRAME_HEADER + uint64_t{next.length};
  switch (next.type) {
    case LL_HTTP2_DATA:
      body_ = payload.substr(0, std::min<size_t>(payload.size(), next.length));
      if (next.padded()) body_.remove_prefix(std::min<size_t>(1, body_.size()));
      state_ = State::kRest;
      return Event::kBody;
    case LL_HTTP2_HEADERS:
    case LL_HTTP2_PUSH_PROMISE:
      prefix_ = next.padded() ? 1 : 0;
      if (next.type == LL_HTTP2_PUSH_PROMISE) prefix_ += 4;
      if (next.type == LL_HTTP2_HEADERS && (next.flags & LL_HTTP2_HAS_PRIORITY) != 0) {
        prefix_ += kPriorityBytes;
      }
      if (prefix_ > next.length) return Event::kInvalid;
      ends_block_ = next.ends_head();
      block_bytes_ = 0;
      incomplete_ = broken_ = false;
      state_ = State::kPrefix;
      return Event::kField;
    case LL_HTTP2_RST_STREAM:
      state_ = State::kReset;
      return Event::kField;
    case LL_HTTP2_GOAWAY:
      rest_ = next.length - 8;
      state_ = State::kGoAway;
      return Event::kField;
    default:
      state_ = State::kRest;
      return Event::kField;
  }
}

// Lengths and streams that RFC 9113, 6 calls errors of the connection.
bool FrameReader::IsExpected(const Frame& frame) const {
  if (in_block_) return frame.type == LL_HTTP2_CONTINUATION && frame.stream == frame_.stream;
  if (frame.stream > 0x7fffffff) return false;
  switch (frame.type) {
    case LL_HTTP2_DATA:
    case LL_HTTP2_HEADERS:
    case LL_HTTP2_PUSH_PROMISE:
      return frame.stream != 0;
    case LL_HTTP2_PRIORITY:
      return frame.stream != 0 && frame.length == 5;
    case LL_HTTP2_RST_STREAM:
      return frame.stream != 0 && frame.length == 4;
    case LL_HTTP2_SETTINGS:
      return frame.stream == 0 && frame.length % 6 == 0;
    case LL_HTTP2_PING:
      return frame.stream == 0 && frame.length == 8;
    case LL_HTTP2_GOAWAY:
      return frame.stream == 0 && frame.length >= 8;
    case LL_HTTP2_WINDOW_UPDATE:
      return frame.length == 4;
    case LL_HTTP2_CONTINUATION:
      return false;
    default:
      // An extension's: it is to be ignored, if it is one.
      return frame.length <= kLargestExtension;
  }
}

// Behind the length of padding, a priority or a promised stream.
bool FrameReader::EnterFragment(std::string_view bytes, size_t& at) {
  const uint32_t padding = frame_.padded() ? static_cast<unsigned char>(bytes[0]) : 0;
  if (prefix_ + padding > frame_.length) return false;
  at += prefix_;
  fragment_ = frame_.length - prefix_ - padding;
  rest_ = padding;
  state_ = State::kFragment;
  return true;
}

// kHead: the part is over.
FrameReader::Event FrameReader::ReadFragment(const Input& input, size_t& at) {
  while (true) {
    if (!broken_ && block_bytes_ > most_block_bytes_) BreakBlock();
    if (broken_) {
      rest_ += fragment_;
      fragment_ = 0;
      return Event::kHead;
    }
    const size_t left = std::min<size_t>(input.bytes.size() - at, fragment_);
    const bool all = left == fragment_;
    field_ = decoder_.Next(input.bytes.substr(at, left), all && ends_block_);
    at += field_.used;
    fragment_ -= static_cast<uint32_t>(field_.used);
    block_bytes_ += static_cast<uint32_t>(field_.used);
    switch (field_.what) {
      case What::kUnknown:
        incomplete_ = true;
        [[fallthrough]];
      case What::kField:
        if (frame_.type == LL_HTTP2_HEADERS) return Event::kField;
        break;
      case What::kResized:
        break;
      case What::kBlockEnd:
        return Event::kHead;
      case What::kBroken:
        incomplete_ = broken_ = true;
        break;
      case What::kMore:
        if (!all) return Event::kMore;
        if (fragment_ == 0) return Event::kHead;
        // A field that the next frame goes on with, where fields are read one by one.
        BreakBlock();
        break;
    }
  }
}

void FrameReader::BreakBlock() {
  decoder_.Forget();
  incomplete_ = broken_ = true;
}

bool FrameReader::PassRest(const Input& input, size_t& at) {
  const size_t left = input.bytes.size() - at;
  if (rest_ <= left) {
    at += rest_;
    rest_ = 0;
    return true;
  }
  at = input.bytes.size();
  skip_bytes_ = rest_ - left;
  rest_ = 0;
  return false;
}

// kMore: nothing to be told of it.
FrameReader::Event FrameReader::EndFrame() {
  if (frame_.type == LL_HTTP2_DATA) return Event::kBodyEnd;
  if (frame_.type != LL_HTTP2_HEADERS && frame_.type != LL_HTTP2_PUSH_PROMISE) return Event::kMore;
  in_block_ = !ends_block_;
  return in_block_ || frame_.type == LL_HTTP2_PUSH_PROMISE ? Event::kMore : Event::kHead;
}

}  // namespace leadline::agent::protocols::http2
