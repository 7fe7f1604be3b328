#include "collector/api/number_text.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

namespace leadline::collector::api {
namespace {

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

// A number with so many digits after the point, or fewer; nullptr where it is none, or has more
// than 15 digits. Fewer are one number's only, so these are the shortest that give it back.
char* PutDecimal(double value, int digits, double scale, char* at) {
  constexpr double kMostDigits = 1e15;
  const double magnitude = std::fabs(value);
  const double scaled = magnitude * scale + 0.5;
  if (!(scaled < kMostDigits)) return nullptr;
  const auto number = static_cast<uint64_t>(scaled);
  // Both are whole and exact, so that the quotient is the double that is nearest to the decimal.
  if (static_cast<double>(number) / scale != magnitude) return nullptr;
  const auto divisor = static_cast<uint64_t>(scale);
  if (std::signbit(value)) *at++ = '-';
  at = PutInteger(number / divisor, at);
  uint64_t fraction = number % divisor;
  if (fraction == 0) return at;
  *at++ = '.';
  char* const end = at + digits;
  for (char* digit = end; digit != at; fraction /= 10) {
    *--digit = static_cast<char>('0' + fraction % 10);
  }
  return std::find_if(std::reverse_iterator(end), std::reverse_iterator(at),
                      [](char digit) { return digit != '0'; })
      .base();
}

}  // namespace

char* PutFixed(double value, char* at) {
  if (!std::isfinite(value)) return PutSpecial(value, at);
  constexpr double kAllDigitsCount = 9007199254740992.0;  // 2^53
  if (std::fabs(value) >= kAllDigitsCount) {
    // Fixed format would write digits beyond those that are needed.
    char scientific[kFloatBytes];
    const auto [end, error] =
        std::to_chars(scientific, std::end(scientific), value, std::chars_format::scientific);
    return PutExpanded({scientific, end}, at);
  }
  // Most of what is counted is whole, and much sooner written as such.
  const auto whole = static_cast<int64_t>(value);
  if (static_cast<double>(whole) == value && (whole != 0 || !std::signbit(value))) {
    return PutInteger(whole, at);
  }
  for (const auto& [digits, scale] : {std::pair{3, 1e3}, {6, 1e6}, {9, 1e9}}) {
    if (char* const end = PutDecimal(value, digits, scale, at)) return end;
  }
  return std::to_chars(at, at + kFixedBytes, value, std::chars_format::fixed).ptr;
}

char* PutFloat(double value, char* at) {
  const double magnitude = std::fabs(value);
  if (std::isfinite(value) && magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    return std::to_chars(at, at + kFloatBytes, value, std::chars_format::scientific).ptr;
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

void AppendFloat(double value, std::string& out) {
  char buffer[kFixedBytes];
  out.append(buffer, PutFloat(value, buffer));
}

void AppendFixed(double value, std::string& out) {
  char buffer[kFixedBytes];
  out.append(buffer, PutFixed(value, buffer));
}

}  // namespace leadline::collector::api
