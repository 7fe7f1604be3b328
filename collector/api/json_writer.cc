#include "collector/api/json_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

#include "collector/api/number_text.h"
#include "common/utf8.h"

namespace leadline::collector::api {
namespace {

// What is written at once but for numbers.
constexpr size_t kAroundBytes = 16;

bool NeedsEscape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

constexpr uint64_t InEachByte(uint8_t byte) { return byte * uint64_t{0x0101010101010101}; }

// Not 0 where one of eight bytes needs to be escaped or is not ASCII.
uint64_t Specials(uint64_t bytes) {
  const auto any_less = [](uint64_t word, uint8_t than) {
    return (word - InEachByte(than)) & ~word;
  };
  return (bytes | any_less(bytes, 0x20) | any_less(bytes ^ InEachByte('"'), 1) |
          any_less(bytes ^ InEachByte('\\'), 1)) &
         InEachByte(0x80);
}

// Puts what is ASCII with nothing to escape, as nearly all names and values are; nullptr where it
// is not.
char* PutPlain(std::string_view text, char* at) {
  constexpr size_t kWordBytes = sizeof(uint64_t);
  uint64_t special = 0;
  const auto put = [&](size_t place) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, text.data() + place, kWordBytes);
    std::memcpy(at + place, &bytes, kWordBytes);
    special |= Specials(bytes);
  };
  if (text.size() >= kWordBytes) {
    for (size_t place = 0; place + kWordBytes < text.size(); place += kWordBytes) put(place);
    put(text.size() - kWordBytes);  // some may be there already
  } else {
    uint64_t bytes = InEachByte(' ');
    for (size_t place = 0; place < text.size(); ++place) {
      at[place] = text[place];
      bytes = bytes << 8 | static_cast<uint8_t>(text[place]);
    }
    special = Specials(bytes);
  }
  return special == 0 ? at + text.size() : nullptr;
}

}  // namespace

void JsonWriter::Separate() {
  if (need_comma_) out_ += ',';
  need_comma_ = true;
}

void JsonWriter::Open(char bracket) {
  Separate();
  out_ += bracket;
  need_comma_ = false;
}

void JsonWriter::Close(char bracket) {
  out_ += bracket;
  need_comma_ = true;
}

void JsonWriter::Key(std::string_view key) {
  Quote(key, ":");
  need_comma_ = false;
}

void JsonWriter::String(std::string_view text) { Quote(text, ""); }

void JsonWriter::Integer(int64_t value) {
  Separate();
  char buffer[kIntegerBytes];
  Append(buffer, PutInteger(value, buffer));
}

void JsonWriter::Bool(bool value) { Raw(value ? "true" : "false"); }

void JsonWriter::Raw(std::string_view json) {
  Separate();
  out_ += json;
}

void JsonWriter::Time(int64_t ts_ms) {
  Separate();
  char buffer[kTimeBytes];
  Append(buffer, PutTime(ts_ms, buffer));
}

void JsonWriter::Point(int64_t ts_ms, double value) {
  char buffer[kTimeBytes + kFixedBytes + kAroundBytes];
  char* at = buffer;
  if (need_comma_) *at++ = ',';
  *at++ = '[';
  at = PutTime(ts_ms, at);
  at = PutText(",\"", at);
  at = PutFloat(value, at);
  at = PutText("\"]", at);
  Append(buffer, at);
  need_comma_ = true;
}

char* JsonWriter::PutTimeOnce(int64_t ts_ms, size_t& next, char* at) {
  constexpr size_t kMostTimes = 4096;
  next = static_cast<size_t>(
      std::lower_bound(times_.begin(), times_.end(), ts_ms,
                       [](const TimeText& time, int64_t ts) { return time.ts_ms < ts; }) -
      times_.begin());
  if (next == times_.size() && next < kMostTimes) {
    TimeText& time = times_.emplace_back();
    time.ts_ms = ts_ms;
    time.bytes = static_cast<uint8_t>(PutTime(ts_ms, time.text) - time.text);
  } else if (next == times_.size() || times_[next].ts_ms != ts_ms) {
    return PutTime(ts_ms, at);
  }
  const TimeText& time = times_[next++];
  return PutText({time.text, time.bytes}, at);
}

void JsonWriter::Points(absl::Span<const int64_t> ts_ms, absl::Span<const double> values) {
  BeginArray();
  constexpr size_t kAtOnceBytes = 16 << 10;
  char buffer[kAtOnceBytes];
  char* at = buffer;
  char same[kFloatBytes] = {};  // the text of the value before
  size_t same_bytes = 0;
  uint64_t before = 0;
  const TimeText* time = times_.data();
  const TimeText* times_end = time + times_.size();
  for (size_t i = 0; i < ts_ms.size(); ++i) {
    if (std::end(buffer) - at < static_cast<ptrdiff_t>(kTimeBytes + kFixedBytes + kAroundBytes)) {
      Append(buffer, at);
      at = buffer;
    }
    if (i > 0) *at++ = ',';
    *at++ = '[';
    if (time != times_end && time->ts_ms == ts_ms[i]) {
      std::memcpy(at, time->text, kTimeBytes);  // of a fixed size, which is sooner done
      at += time++->bytes;
    } else {
      size_t next = 0;
      at = PutTimeOnce(ts_ms[i], next, at);
      time = times_.data() + next;
      times_end = times_.data() + times_.size();
    }
    at = PutText(",\"", at);
    const auto bits = std::bit_cast<uint64_t>(values[i]);
    if (same_bytes > 0 && bits == before) {
      std::memcpy(at, same, kFloatBytes);
      at += same_bytes;
    } else {
      char* const begin = at;
      at = PutFloat(values[i], at);
      same_bytes = static_cast<size_t>(at - begin);
      before = bits;
      std::memcpy(same, begin, same_bytes);
    }
    at = PutText("\"]", at);
  }
  Append(buffer, at);
  EndArray();
}

void JsonWriter::SampleValue(double value) {
  Separate();
  out_ += '"';
  AppendFloat(value, out_);
  out_ += '"';
}

void JsonWriter::ScalarValue(double value) {
  Separate();
  out_ += '"';
  AppendFixed(value, out_);
  out_ += '"';
}

void JsonWriter::Quote(std::string_view text, std::string_view behind) {
  constexpr size_t kShortBytes = 256;
  if (text.size() <= kShortBytes) {
    char buffer[kShortBytes + kAroundBytes];
    char* at = buffer;
    if (need_comma_) *at++ = ',';
    *at++ = '"';
    if (char* end = PutPlain(text, at)) {
      *end++ = '"';
      for (const char c : behind) *end++ = c;
      Append(buffer, end);
      need_comma_ = true;
      return;
    }
  }
  Separate();
  std::string valid;
  if (!IsValidUtf8(text)) {
    valid = ToValidUtf8(text);
    text = valid;
  }
  out_ += '"';
  while (!text.empty()) {
    const auto special = std::find_if(text.begin(), text.end(), NeedsEscape);
    out_.append(text.begin(), special);
    if (special == text.end()) break;
    const char c = *special;
    text.remove_prefix(static_cast<size_t>(special - text.begin()) + 1);
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (c == '\n') {
      out_ += "\\n";
    } else {
      fmt::format_to(std::back_inserter(out_), "\\u{:04x}", c);
    }
  }
  out_ += '"';
  out_ += behind;
}

}  // namespace leadline::collector::api
