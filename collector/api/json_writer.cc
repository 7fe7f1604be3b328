#include "collector/api/json_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "common/utf8.h"

namespace leadline::collector::api {
namespace {

// Room for what is written at once: a time has no more than 24 characters, a float in the shortest
// form no more than 30; without an exponent the smallest one has 340.
constexpr size_t kPointBytes = 64;
constexpr size_t kFixedBytes = 400;

// What follows writes from `at` on, where there is room enough, and gives the end of it.
char* PutText(std::string_view text, char* at) { return std::copy(text.begin(), text.end(), at); }

template <typename Integer>
char* PutInteger(Integer value, char* at) {
  constexpr size_t kMost = 20;
  return std::to_chars(at, at + kMost, value).ptr;
}

// "1.25e+20" as "125000000000000000000". REQUIRES: an exponent no less than the number of digits
// after the point.
char* PutExpanded(std::string_view scientific, char* at) {
  const size_t e = scientific.find('e');
  int exponent = 0;
  // from_chars takes no plus sign.
  std::from_chars(scientific.data() + e + 2, scientific.data() + scientific.size(), exponent);
  const std::string_view mantissa = scientific.substr(0, e);
  const size_t point = mantissa.find('.');
  const size_t fraction = point == std::string_view::npos ? 0 : mantissa.size() - point - 1;
  at = PutText(mantissa.substr(0, point), at);
  if (fraction > 0) at = PutText(mantissa.substr(point + 1), at);
  return std::fill_n(at, static_cast<size_t>(exponent) - fraction, '0');
}

// REQUIRES: not finite.
char* PutSpecial(double value, char* at) {
  if (std::isnan(value)) return PutText("NaN", at);
  return PutText(value > 0 ? "+Inf" : "-Inf", at);
}

char* PutFixed(double value, char* at) {
  if (!std::isfinite(value)) return PutSpecial(value, at);
  constexpr double kAllDigitsCount = 9007199254740992.0;  // 2^53
  if (std::fabs(value) >= kAllDigitsCount) {
    // Fixed format would write digits beyond those that are needed.
    char scientific[kPointBytes];
    const auto [end, error] =
        std::to_chars(scientific, std::end(scientific), value, std::chars_format::scientific);
    return PutExpanded({scientific, end}, at);
  }
  // Most of what is counted is whole, and much sooner written as such.
  const auto whole = static_cast<int64_t>(value);
  if (static_cast<double>(whole) == value && (whole != 0 || !std::signbit(value))) {
    return PutInteger(whole, at);
  }
  return std::to_chars(at, at + kFixedBytes, value, std::chars_format::fixed).ptr;
}

char* PutFloat(double value, char* at) {
  const double magnitude = std::fabs(value);
  if (std::isfinite(value) && magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    return std::to_chars(at, at + kPointBytes, value, std::chars_format::scientific).ptr;
  }
  return PutFixed(value, at);
}

char* PutTime(int64_t ts_ms, char* at) {
  const bool negative = ts_ms < 0;
  const uint64_t magnitude =
      negative ? uint64_t{0} - static_cast<uint64_t>(ts_ms) : static_cast<uint64_t>(ts_ms);
  if (negative) *at++ = '-';
  at = PutInteger(magnitude / 1000, at);
  if (const auto rest = static_cast<int>(magnitude % 1000); rest != 0) {
    const auto digit = [](int value) { return static_cast<char>('0' + value); };
    for (const char c : {'.', digit(rest / 100), digit(rest / 10 % 10), digit(rest % 10)}) {
      *at++ = c;
    }
  }
  return at;
}

bool NeedsEscape(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

// Whether it is ASCII with nothing to escape, as nearly all names and values are.
bool IsPlain(std::string_view text) {
  bool special = false;
  for (const char c : text) special |= NeedsEscape(c) | (static_cast<unsigned char>(c) >= 0x80);
  return !special;
}

}  // namespace

void AppendFloat(double value, std::string& out) {
  char buffer[kFixedBytes];
  out.append(buffer, PutFloat(value, buffer));
}

void AppendFixed(double value, std::string& out) {
  char buffer[kFixedBytes];
  out.append(buffer, PutFixed(value, buffer));
}

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
  Separate();
  Quote(key);
  out_ += ':';
  need_comma_ = false;
}

void JsonWriter::String(std::string_view text) {
  Separate();
  Quote(text);
}

void JsonWriter::Integer(int64_t value) {
  Separate();
  char buffer[kPointBytes];
  out_.append(buffer, PutInteger(value, buffer));
}

void JsonWriter::Bool(bool value) { Raw(value ? "true" : "false"); }

void JsonWriter::Raw(std::string_view json) {
  Separate();
  out_ += json;
}

void JsonWriter::Time(int64_t ts_ms) {
  Separate();
  char buffer[kPointBytes];
  out_.append(buffer, PutTime(ts_ms, buffer));
}

void JsonWriter::Point(int64_t ts_ms, double value) {
  char buffer[kPointBytes + kFixedBytes];
  char* at = buffer;
  if (need_comma_) *at++ = ',';
  *at++ = '[';
  at = PutTime(ts_ms, at);
  at = PutText(",\"", at);
  at = PutFloat(value, at);
  at = PutText("\"]", at);
  out_.append(buffer, at);
  need_comma_ = true;
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

void JsonWriter::Quote(std::string_view text) {
  if (IsPlain(text)) {
    out_ += '"';
    out_ += text;
    out_ += '"';
    return;
  }
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
}

}  // namespace leadline::collector::api
