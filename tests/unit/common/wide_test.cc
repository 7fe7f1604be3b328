// What vectors compute is what one number after the other gives.
#include "common/wide.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace leadline {
namespace {

TEST(WideTest, ConvertsEveryNumberAsACastDoes) {
  std::mt19937_64 random(3);
  const auto expect = [](int64_t value) {
    EXPECT_EQ(std::bit_cast<uint64_t>(ToDouble(value)),
              std::bit_cast<uint64_t>(static_cast<double>(value)))
        << value;
  };
  for (const int64_t edge :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(), int64_t{1} << 32,
        int64_t{1} << 52, int64_t{1} << 53, int64_t{0}}) {
    for (int64_t near = -3; near <= 3; ++near) {
      const auto value =
          static_cast<int64_t>(static_cast<uint64_t>(edge) + static_cast<uint64_t>(near));
      expect(value);
      expect(static_cast<int64_t>(0 - static_cast<uint64_t>(value)));
    }
  }
  for (int i = 0; i < 200'000; ++i) expect(static_cast<int64_t>(random()) >> (random() % 64));
}

LEADLINE_AVX2 double DivideWide(double value, double divisor) {
  return Divide(value, Divisor(divisor));
}

TEST(WideTest, DividesAsADivisionDoes) {
  if (!HasAvx2()) GTEST_SKIP() << "the processor has no fused multiply-adds";
  std::mt19937_64 random(5);
  const auto expect = [](double value, double divisor) {
    ASSERT_EQ(std::bit_cast<uint64_t>(DivideWide(value, divisor)),
              std::bit_cast<uint64_t>(value / divisor))
        << value << " / " << divisor;
  };
  double power = 1;
  for (int digits = 0; digits <= 15; ++digits, power *= 10) {
    expect(0, power);
    for (int i = 0; i < 200'000; ++i) {
      const auto mantissa =
          static_cast<double>(static_cast<int64_t>(random()) >> (10 + random() % 54));
      expect(mantissa, power);
      // Near what is halfway between two quotients.
      const double half = std::nextafter(mantissa / power, 1e300) * power;
      expect(std::nearbyint(half), power);
      expect(1 + static_cast<double>(random() >> 11) * 0x1p-53,
             static_cast<double>(1 + random() % 1'000'000) / 1000);
    }
  }
}

}  // namespace
}  // namespace leadline
