// Doubles as integers: what people and programs count in tenths, thousandths or billionths.
//
// A mantissa m and digits d stand for the double nearest to m / 10^d, which division gives exactly
// (10^d and m are doubles themselves), so that what is taken is what is given back, bit for bit.
// Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace leadline::collector::store::codec {

inline constexpr int kMaxDigits = 15;

struct Decimals {
  int digits = 0;
  std::vector<int64_t> mantissas;  // at most 2^53, either sign
  // Values that are none (NaN, infinities, -0, too many digits), ascending; their mantissas are
  // those of a neighbour.
  std::vector<size_t> exceptions;
};

// Nothing when there are too many exceptions. REQUIRES: !values.empty().
std::optional<Decimals> AsDecimals(absl::Span<const double> values);

// REQUIRES: 0 <= digits <= kMaxDigits, as many values as mantissas.
void FromDecimals(absl::Span<const int64_t> mantissas, int digits, absl::Span<double> values);

}  // namespace leadline::collector::store::codec
