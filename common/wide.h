// Loops over columns in as wide vectors as the processor has: compiled twice, chosen at run time.
// Wider ones do what narrow ones do, element by element, so the results are the same.
//
// Use: the loop as an inline function with LEADLINE_INLINE, a function with LEADLINE_AVX2 that
// calls it, and a third that asks HasAvx2. Over pointers: the checks of absl::Span's [] keep a loop
// from becoming one of vectors. In libraries that are compiled with -ffp-contract=off: AVX2 comes
// with fused multiply-adds, which round otherwise where nobody asked for them.
#pragma once

#include <bit>
#include <cstdint>

#define LEADLINE_INLINE inline __attribute__((always_inline))

#if defined(__x86_64__)
#define LEADLINE_AVX2 __attribute__((target("avx2,fma")))
#else
#define LEADLINE_AVX2
#endif

namespace leadline {

inline bool HasAvx2() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  return has;
#else
  return false;
#endif
}

// static_cast<double>, in what vectors can do: they have no such conversion before AVX-512. The
// halves of the number become the low bits of 2^52 and of 2^84, and one sum rounds.
LEADLINE_INLINE double ToDouble(int64_t value) {
  constexpr uint64_t kLow = 0x4330000000000000;   // 2^52
  constexpr uint64_t kHigh = 0x4530000080000000;  // 2^84 + 2^63, which makes it unsigned
  constexpr uint64_t kBoth = 0x4530000080100000;  // the sum of those
  const auto bits = static_cast<uint64_t>(value);
  const double high = std::bit_cast<double>(bits >> 32 ^ kHigh) - std::bit_cast<double>(kBoth);
  return high + std::bit_cast<double>((bits & 0xffffffff) | kLow);
}

// A divisor of many numbers. Division is most of what loops over columns take.
struct Divisor {
  explicit Divisor(double divisor) : value(divisor), reciprocal(1 / divisor) {}

  const double value;
  const double reciprocal;
};

// value / divisor, rounded as that is: the remainder of a quotient that is nearly right tells what
// it lacks. REQUIRES: the processor has fused multiply-adds; both are finite, and neither they nor
// the quotient are near the ends of what a double can be.
// Source: Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor",
// 1990: with a reciprocal that is correctly rounded the second time gives the correct quotient.
LEADLINE_INLINE double Divide(double value, const Divisor& divisor) {
  double quotient = value * divisor.reciprocal;
  for (int i = 0; i < 2; ++i) {
    const double remainder = __builtin_fma(-divisor.value, quotient, value);
    quotient = __builtin_fma(remainder, divisor.reciprocal, quotient);
  }
  return quotient;
}

}  // namespace leadline
