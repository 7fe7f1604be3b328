#include "agent/protocols/http1/message.h"

#include <cstring>

#include "agent/protocols/normalise/ascii.h"

namespace leadline::agent::protocols::http1 {
namespace {

// Bodies beyond this are none.
constexpr uint64_t kMaxBody = uint64_t{1} << 62;

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The value of the field `name`, which is in lower case and ends with a colon; no data for another
// field.
std::string_view ValueOf(std::string_view line, std::string_view name) {
  if (line.size() < name.size() ||
      !normalise::EqualsIgnoreCase(line.substr(0, name.size()), name)) {
    return {};
  }
  return Trim(line.substr(name.size()));
}

}  // namespace

void Message::Restart() {
  state_ = State::kStartLine;
  head_ = Head();
}

void Message::SetBody(Body body) {
  switch (body) {
    case Body::kNone:
      head_.length = 0;
      [[fallthrough]];
    case Body::kLength:
      state_ = State::kHeadDone;
      break;
    case Body::kChunked:
      state_ = State::kChunkSize;
      break;
    case Body::kUntilClose:
      state_ = State::kUntilClose;
      break;
  }
}

Message::Event Message::Next(std::string_view bytes, size_t& at) {
  while (true) {
    switch (state_) {
      case State::kStartLine:
        if (!TakeLine(bytes, at, State::kHeaders, State::kLongStartLine)) return Event::kMore;
        return Event::kStartLine;
      case State::kLongStartLine:
      case State::kLongHeader:
        if (!PassLine(bytes, at, State::kHeaders)) return Event::kMore;
        break;
      case State::kHeaders:
        if (!TakeLine(bytes, at, State::kHeaders, State::kLongHeader)) return Event::kMore;
        if (line_.empty()) return Event::kHead;
        if (!ReadField()) return Event::kInvalid;
        break;
      case State::kHeadDone:
        return Skip(bytes, at, head_.length, State::kBodyEnd);
      case State::kBodyEnd:
        return Event::kEnd;
      case State::kUntilClose:
        at = bytes.size();
        skip_bytes_ = kMaxBody;
        return Event::kSkip;
      case State::kChunkSize: {
        if (!TakeLine(bytes, at, State::kChunkEnd, State::kLongChunkSize)) return Event::kMore;
        if (!ReadChunkSize()) return Event::kInvalid;
        if (state_ != State::kChunkEnd) break;
        const Event event = Skip(bytes, at, head_.length + 2, State::kChunkEnd);
        if (event == Event::kSkip) return event;
        break;
      }
      case State::kLongChunkSize:  // nobody writes such extensions
        return Event::kInvalid;
      case State::kChunkEnd:
        state_ = State::kChunkSize;
        break;
      case State::kTrailers:
        if (!TakeLine(bytes, at, State::kTrailers, State::kLongTrailer)) return Event::kMore;
        if (line_.empty()) return Event::kEnd;
        break;
      case State::kLongTrailer:
        if (!PassLine(bytes, at, State::kTrailers)) return Event::kMore;
        break;
    }
  }
}

bool Message::TakeLine(std::string_view bytes, size_t& at, State next, State rest) {
  const size_t left = bytes.size() - at;
  const void* found = left == 0 ? nullptr : std::memchr(bytes.data() + at, '\n', left);
  if (found == nullptr) {
    if (left < kMaxLine) return false;
    line_ = bytes.substr(at, kMaxLine);
    at = bytes.size();
    state_ = rest;
    return true;
  }
  const size_t end = static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
  line_ = bytes.substr(at, end - at);
  if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
  at = end + 1;
  state_ = next;
  return true;
}

bool Message::PassLine(std::string_view bytes, size_t& at, State next) {
  const size_t end = bytes.find('\n', at);
  if (end == std::string_view::npos) {
    at = bytes.size();
    return false;
  }
  at = end + 1;
  state_ = next;
  return true;
}

// kSkip when the rest of them is not in `bytes`, else kEnd.
Message::Event Message::Skip(std::string_view bytes, size_t& at, uint64_t size, State next) {
  const size_t left = bytes.size() - at;
  state_ = next;
  if (size <= left) {
    at += size;
    return Event::kEnd;
  }
  at = bytes.size();
  skip_bytes_ = size - left;
  return Event::kSkip;
}

// False for what is no field; what fields that matter say is kept.
bool Message::ReadField() {
  const unsigned char first = static_cast<unsigned char>(line_.front());
  switch (first | 0x20) {
    case 'c': {
      const std::string_view value = ValueOf(line_, "content-length:");
      if (value.data() == nullptr) break;
      uint64_t length = 0;
      if (value.empty()) return false;
      for (const char c : value) {
        if (c == ',') break;  // a list of the same number
        if (c < '0' || c > '9') return false;
        length = length * 10 + static_cast<uint64_t>(c - '0');
        if (length > kMaxBody) return false;
      }
      if (head_.has_length && head_.length != length) return false;
      head_.length = length;
      head_.has_length = true;
      break;
    }
    case 't': {
      const std::string_view value = ValueOf(line_, "transfer-encoding:");
      if (value.size() >= 7 &&
          normalise::EqualsIgnoreCase(value.substr(value.size() - 7), "chunked")) {
        head_.chunked = true;
      }
      break;
    }
    case 'u':
      if (normalise::EqualsIgnoreCase(ValueOf(line_, "upgrade:"), "h2c")) head_.upgrade_h2c = true;
      break;
    default:
      // A folded line begins with white space.
      return first > ' ' || first == ' ' || first == '\t';
  }
  return true;
}

bool Message::ReadChunkSize() {
  uint64_t size = 0;
  size_t digits = 0;
  for (const char c : line_) {
    int digit;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
      digit = (c | 0x20) - 'a' + 10;
    } else if (c == ';' || c == ' ' || c == '\t') {
      break;
    } else {
      return false;
    }
    size = size << 4 | static_cast<uint64_t>(digit);
    if (++digits > 15) return false;
  }
  if (digits == 0) return false;
  head_.length = size;
  if (size == 0) state_ = State::kTrailers;
  return true;
}

}  // namespace leadline::agent::protocols::http1
