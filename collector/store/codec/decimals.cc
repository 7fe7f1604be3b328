#include "collector/store/codec/decimals.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/wide.h"

namespace leadline::collector::store::codec {
namespace {

constexpr double kMaxExactMantissa = 9007199254740992.0;  // 2^53
constexpr double kPowers[kMaxDigits + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr size_t kLooks = 16;  // values looked at to find the digits

bool ToMantissa(double value, int digits, int64_t& mantissa) {
  const double scaled = value * kPowers[digits];
  if (!(std::fabs(scaled) <= kMaxExactMantissa)) return false;
  mantissa = std::llrint(scaled);
  return std::bit_cast<uint64_t>(static_cast<double>(mantissa) / kPowers[digits]) ==
         std::bit_cast<uint64_t>(value);
}

std::optional<int> DigitsOf(double value, int at_least) {
  int64_t mantissa = 0;
  for (int digits = at_least; digits <= kMaxDigits; ++digits) {
    if (ToMantissa(value, digits, mantissa)) return digits;
  }
  return std::nullopt;
}

// Digits that some of the values need; nothing when too many have no such.
std::optional<int> GuessDigits(absl::Span<const double> values) {
  const size_t looks = std::min(values.size(), kLooks);
  int most = 0;
  size_t without = 0;
  for (size_t i = 0; i < looks; ++i) {
    const auto digits = DigitsOf(values[i * values.size() / looks], 0);
    most = std::max(most, digits.value_or(0));
    if (!digits && ++without * 2 > looks) return std::nullopt;
  }
  return most;
}

LEADLINE_INLINE void ToDoubles(const int64_t* mantissas, size_t count, double* values) {
  for (size_t i = 0; i < count; ++i) values[i] = ToDouble(mantissas[i]);
}

LEADLINE_AVX2 void DivideWide(const int64_t* mantissas, size_t count, double power,
                              double* values) {
  if (power == 1) return ToDoubles(mantissas, count, values);
  const Divisor divisor(power);
  for (size_t i = 0; i < count; ++i) values[i] = Divide(ToDouble(mantissas[i]), divisor);
}

}  // namespace

std::optional<Decimals> AsDecimals(absl::Span<const double> values) {
  const auto guess = GuessDigits(values);
  if (!guess) return std::nullopt;
  Decimals decimals{*guess, std::vector<int64_t>(values.size()), {}};
  for (size_t i = 0; i < values.size(); ++i) {
    if (ToMantissa(values[i], decimals.digits, decimals.mantissas[i])) continue;
    if (const auto more = DigitsOf(values[i], decimals.digits + 1)) {
      decimals.digits = *more;  // begin again
      decimals.exceptions.clear();
      i = SIZE_MAX;
      continue;
    }
    decimals.mantissas[i] = i > 0 ? decimals.mantissas[i - 1] : 0;
    decimals.exceptions.push_back(i);
    if (decimals.exceptions.size() > values.size() / 8 + 1) return std::nullopt;
  }
  if (decimals.exceptions.size() == values.size()) return std::nullopt;
  // Those before the first that is one have the mantissa of that.
  size_t leading = 0;
  while (leading < decimals.exceptions.size() && decimals.exceptions[leading] == leading) ++leading;
  std::fill_n(decimals.mantissas.begin(), leading, decimals.mantissas[leading]);
  return decimals;
}

void FromDecimals(absl::Span<const int64_t> mantissas, int digits, absl::Span<double> values) {
  const double power = kPowers[digits];
  if (HasAvx2()) return DivideWide(mantissas.data(), values.size(), power, values.data());
  ToDoubles(mantissas.data(), values.size(), values.data());
  if (power == 1) return;
  for (double& value : values) value /= power;
}

}  // namespace leadline::collector::store::codec
