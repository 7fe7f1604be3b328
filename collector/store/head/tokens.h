// How the head writes a series' samples down while they gather: bytes that say what comes next, in
// memory only. Cheap to append one by one; windows encode them anew.
//
//     00nnnnnn          the value before, n + 1 times more
//     01nnnnnn          n + 1 timestamps of the column without a sample
//     10dddddd          the integer before and d - 32
//     11000nnn, n+1 B   the integer before and a zigzag difference, little endian
//     11010nnn, n+1 B   the bits before XOR these, at the low end
//     11011nnn, n+1 B   the same, at the high end
//     1110eeee, varint  the value before times 10^e, rounded, and a zigzag difference; over 10^e
//     11110000          on to another column: its number, the index of the next sample; varints
//     11110001, rest    a histogram: see histogram_tokens.h
//
// Integers are whole numbers of at most 2^53, and not -0. The first value follows 0.0. Lossless for
// every bit pattern. Pure functions.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "common/bytes.h"
#include "common/exact_integer.h"

namespace leadline::collector::store::head {

namespace token {
inline constexpr uint8_t kRepeat = 0x00;
inline constexpr uint8_t kSkip = 0x40;
inline constexpr uint8_t kSmall = 0x80;
inline constexpr uint8_t kInteger = 0xC0;
inline constexpr uint8_t kXorLow = 0xD0;
inline constexpr uint8_t kXorHigh = 0xD8;
inline constexpr uint8_t kDecimal = 0xE0;
inline constexpr uint8_t kColumn = 0xF0;
inline constexpr uint8_t kHistogram = 0xF1;

inline constexpr uint8_t kMaxCount = 0x3F;  // of a repeat or a skip, less one
inline constexpr int64_t kSmallBias = 32;
inline constexpr size_t kMaxFloatBytes = 10;
}  // namespace token

// How many decimals a series is tried with; see EncodeFloat. Kept by its owner from value to value.
struct Decimals {
  static constexpr uint8_t kMax = 9;
  static constexpr uint8_t kNone = 15;  // it has others
  uint8_t exponent = 0;                 // 0: not known
};

inline constexpr double kPowersOf10[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

// `value` with so many decimals, as an integer. REQUIRES: the product is within kMaxExactInteger.
inline int64_t Scale(double value, uint8_t exponent) {
  return std::llround(value * kPowersOf10[exponent]);
}
inline double Unscale(int64_t scaled, uint8_t exponent) {
  return static_cast<double>(scaled) / kPowersOf10[exponent];
}

// The difference that makes `before` to exactly `now`, with so many decimals.
inline bool ScaledDifference(double before, double now, uint8_t exponent, int64_t& difference) {
  const double limit = kMaxExactInteger / kPowersOf10[exponent];
  if (!(std::fabs(before) <= limit && std::fabs(now) <= limit)) return false;
  const int64_t scaled = Scale(now, exponent);
  difference = scaled - Scale(before, exponent);
  return std::bit_cast<uint64_t>(Unscale(scaled, exponent)) == std::bit_cast<uint64_t>(now);
}

// Writes the difference as a decimal, if it is one; gives the number of bytes.
inline size_t EncodeDecimal(double before, double now, Decimals& decimals, uint8_t* out) {
  if (!std::isfinite(before) || !std::isfinite(now)) return 0;
  int64_t difference = 0;
  for (uint8_t exponent = std::max<uint8_t>(decimals.exponent, 1); exponent <= Decimals::kMax;
       ++exponent) {
    if (!ScaledDifference(before, now, exponent, difference)) continue;
    decimals.exponent = exponent;
    size_t size = 0;
    out[size++] = static_cast<uint8_t>(token::kDecimal | exponent);
    uint64_t code = ZigZag(difference);
    for (; code >= 0x80; code >>= 7) out[size++] = static_cast<uint8_t>(code | 0x80);
    out[size++] = static_cast<uint8_t>(code);
    return size;
  }
  decimals.exponent = Decimals::kNone;
  return 0;
}

// Writes `now` after `before`; gives the number of bytes. REQUIRES: now != before, and room for
// kMaxFloatBytes.
inline size_t EncodeFloat(uint64_t before, uint64_t now, Decimals& decimals, uint8_t* out) {
  const auto put = [out](uint8_t kind, uint64_t bits, size_t size) {
    out[0] = static_cast<uint8_t>(kind | (size - 1));
    for (size_t i = 0; i < size; ++i) out[1 + i] = static_cast<uint8_t>(bits >> (8 * i));
    return 1 + size;
  };
  int64_t from = 0;
  int64_t to = 0;
  if (AsExactInteger(std::bit_cast<double>(before), from) &&
      AsExactInteger(std::bit_cast<double>(now), to)) {
    const int64_t difference = to - from;
    if (-token::kSmallBias <= difference && difference < token::kSmallBias) {
      out[0] = static_cast<uint8_t>(token::kSmall + difference + token::kSmallBias);
      return 1;
    }
    const uint64_t code = ZigZag(difference);
    return put(token::kInteger, code, (static_cast<size_t>(std::bit_width(code)) + 7) / 8);
  }
  if (decimals.exponent != Decimals::kNone) {
    const size_t size =
        EncodeDecimal(std::bit_cast<double>(before), std::bit_cast<double>(now), decimals, out);
    if (size > 0) return size;
  }
  const uint64_t changed = before ^ now;
  const auto low = static_cast<size_t>(std::countl_zero(changed)) / 8;
  const auto high = static_cast<size_t>(std::countr_zero(changed)) / 8;
  return low >= high ? put(token::kXorLow, changed, 8 - low)
                     : put(token::kXorHigh, changed >> (8 * high), 8 - high);
}

inline uint64_t DecodeVarint(const uint8_t*& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = *at++;
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

// The value that `code` (of a float) stands for after `before`; takes the bytes behind it.
inline uint64_t DecodeFloat(uint8_t code, uint64_t before, const uint8_t*& at) {
  const auto integer = [before](int64_t difference) {
    return std::bit_cast<uint64_t>(
        static_cast<double>(static_cast<int64_t>(std::bit_cast<double>(before)) + difference));
  };
  if (code < token::kInteger) return integer(code - token::kSmall - token::kSmallBias);
  if (code >= token::kDecimal) {
    const uint8_t exponent = code & 0xF;
    const int64_t difference = UnZigZag(DecodeVarint(at));
    return std::bit_cast<uint64_t>(
        Unscale(Scale(std::bit_cast<double>(before), exponent) + difference, exponent));
  }
  const size_t size = (code & 7) + 1;
  uint64_t bits = 0;
  for (size_t i = 0; i < size; ++i) bits |= static_cast<uint64_t>(at[i]) << (8 * i);
  at += size;
  if (code < token::kXorLow) return integer(UnZigZag(bits));
  return before ^ (code < token::kXorHigh ? bits : bits << (8 * (8 - size)));
}

}  // namespace leadline::collector::store::head
