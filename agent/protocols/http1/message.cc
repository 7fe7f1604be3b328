#include "agent/protocols/http1/message.h"

#include "agent/protocols/normalise/ascii.h"
#include "agent/protocols/normalise/newline.h"

namespace leadline::agent::protocols::http1 {
namespace {

using normalise::FindNewline;

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
  if (line.size() < name.size() || line[name.size() - 1] != ':' ||
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
        return ReadHead(bytes, at);
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

// The fields, line by line, as far as they are there.
Message::Event Message::ReadHead(std::string_view bytes, size_t& at) {
  const char* const end = bytes.data() + bytes.size();
  const char* line = bytes.data() + at;
  while (const char* newline = FindNewline(line, end)) {
    const bool has_return = newline != line && newline[-1] == '\r';
    const std::string_view field(line, static_cast<size_t>(newline - line) - (has_return ? 1 : 0));
    line = newline + 1;
    at = static_cast<size_t>(line - bytes.data());
    if (field.empty()) return Event::kHead;
    if (!ReadField(field)) return Event::kInvalid;
  }
  const std::string_view rest = bytes.substr(at);
  if (rest.size() < kMaxLine) return Event::kMore;
  at = bytes.size();
  state_ = State::kLongHeader;
  return ReadField(rest.substr(0, kMaxLine)) ? Event::kMore : Event::kInvalid;
}

bool Message::TakeLine(std::string_view bytes, size_t& at, State next, State rest) {
  const size_t left = bytes.size() - at;
  const char* found = FindNewline(bytes.data() + at, bytes.data() + bytes.size());
  if (found == nullptr) {
    if (left < kMaxLine) return false;
    line_ = bytes.substr(at, kMaxLine);
    at = bytes.size();
    state_ = rest;
    return true;
  }
  const size_t end = static_cast<size_t>(found - bytes.data());
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
bool Message::ReadField(std::string_view line) {
  const unsigned char first = static_cast<unsigned char>(line.front());
  switch (first | 0x20) {
    case 'c': {
      const std::string_view value = ValueOf(line, "content-length:");
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
      const std::string_view value = ValueOf(line, "transfer-encoding:");
      if (value.size() >= 7 &&
          normalise::EqualsIgnoreCase(value.substr(value.size() - 7), "chunked")) {
        head_.chunked = true;
      }
      break;
    }
    case 'u':
      if (normalise::EqualsIgnoreCase(ValueOf(line, "upgrade:"), "h2c")) head_.upgrade_h2c = true;
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
