// Doubles that are integers, and can be written as such without loss.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace leadline {

inline constexpr double kMaxExactInteger = 9007199254740992.0;  // 2^53

// Whether `value` is a whole number of at most kMaxExactInteger, and not -0; it is then `integer`.
inline bool AsExactInteger(double value, int64_t& integer) {
  if (!(std::fabs(value) <= kMaxExactInteger)) return false;
  integer = static_cast<int64_t>(value);
  return std::bit_cast<uint64_t>(static_cast<double>(integer)) == std::bit_cast<uint64_t>(value);
}

}  // namespace leadline
