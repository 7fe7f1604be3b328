#include "collector/promql/parse/literal.h"

#include <charconv>
#include <limits>

#include "common/duration.h"

namespace leadline::collector::promql::parse {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Takes a number in base `base` of exactly `digits` digits off the front.
std::optional<uint32_t> TakeCode(std::string_view& text, size_t digits, int base) {
  if (text.size() < digits) return std::nullopt;
  uint32_t code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, code, base);
  if (error != std::errc() || end != text.data() + digits) return std::nullopt;
  text.remove_prefix(digits);
  return code;
}

bool AppendUtf8(uint32_t rune, std::string& out) {
  if (rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000)) return false;
  const auto continuation = [&](int shift) {
    out += static_cast<char>(0x80 | ((rune >> shift) & 0x3F));
  };
  if (rune < 0x80) {
    out += static_cast<char>(rune);
  } else if (rune < 0x800) {
    out += static_cast<char>(0xC0 | (rune >> 6));
    continuation(0);
  } else if (rune < 0x10000) {
    out += static_cast<char>(0xE0 | (rune >> 12));
    continuation(6);
    continuation(0);
  } else {
    out += static_cast<char>(0xF0 | (rune >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
  return true;
}

// `text` begins after the backslash.
bool TakeEscape(std::string_view& text, char quote, std::string& out) {
  if (text.empty()) return false;
  const char c = text.front();
  if (c >= '0' && c <= '7') {
    const auto code = TakeCode(text, 3, 8);
    if (!code.has_value() || *code > 0xFF) return false;
    out += static_cast<char>(*code);
    return true;
  }
  text.remove_prefix(1);
  switch (c) {
    case 'a':
      out += '\a';
      return true;
    case 'b':
      out += '\b';
      return true;
    case 'f':
      out += '\f';
      return true;
    case 'n':
      out += '\n';
      return true;
    case 'r':
      out += '\r';
      return true;
    case 't':
      out += '\t';
      return true;
    case 'v':
      out += '\v';
      return true;
    case '\\':
      out += '\\';
      return true;
    case '\'':
    case '"':
      if (c != quote) return false;
      out += c;
      return true;
    case 'x': {
      const auto code = TakeCode(text, 2, 16);
      if (code.has_value()) out += static_cast<char>(*code);
      return code.has_value();
    }
    case 'u':
    case 'U': {
      const auto code = TakeCode(text, c == 'u' ? 4 : 8, 16);
      return code.has_value() && AppendUtf8(*code, out);
    }
    default:
      return false;
  }
}

}  // namespace

std::optional<double> ParseNumber(std::string_view text) {
  std::string digits = Lower(text);
  if (digits == "inf") return std::numeric_limits<double>::infinity();
  if (digits == "nan") return std::numeric_limits<double>::quiet_NaN();
  std::erase(digits, '_');
  const char* begin = digits.data();
  const char* const end = begin + digits.size();
  int base = 10;
  if (digits.starts_with("0x")) {
    base = 16;
    begin += 2;
  } else if (digits.size() > 1 && digits.starts_with('0') &&
             digits.find_first_not_of("01234567") == std::string::npos) {
    base = 8;
  }
  if (base != 10) {
    int64_t value = 0;
    const auto [rest, error] = std::from_chars(begin, end, value, base);
    if (error != std::errc() || rest != end) return std::nullopt;
    return static_cast<double>(value);
  }
  double value = 0;
  const auto [rest, error] = std::from_chars(begin, end, value);
  if (error == std::errc::result_out_of_range) {
    // Too large is an error in Go too; too small is 0.
    return digits.find("e-") != std::string::npos ? std::optional<double>(0) : std::nullopt;
  }
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseDurationMs(std::string_view text) {
  const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
  if (!duration.ok()) return std::nullopt;
  return absl::ToInt64Milliseconds(*duration);
}

std::optional<std::string> Unquote(std::string_view text, char quote) {
  if (quote == '`') return std::string(text);
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c != '\\') {
      out += c;
    } else if (!TakeEscape(text, quote, out)) {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace leadline::collector::promql::parse
