// Many sums at once are each that of KahanSum.
#include "collector/promql/value/sums.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "collector/promql/value/sample.h"
#include "common/kahan_sum.h"

namespace leadline::collector::promql {
namespace {

using AddToMany = void (*)(const double* values, size_t count, double* sums, double* compensations);

// `zeros`: how many values in a row are zero, each other time.
void ExpectSums(AddToMany add, size_t zeros) {
  constexpr double kOdd[] = {0.0,    -0.0,    1e300,
                             -1e300, 1.7e308, std::numeric_limits<double>::infinity(),
                             1e-12,  5e-324,  std::numeric_limits<double>::quiet_NaN()};
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    constexpr size_t kSums = 87;
    std::vector<KahanSum> expected(kSums);
    std::vector<double> sums(kSums);
    std::vector<double> compensations(kSums);
    for (int i = 0; i < 30; ++i) {
      std::vector<double> values(kSums);
      const size_t shift = zeros == 0 ? 0 : random() % (2 * zeros);
      for (size_t j = 0; j < kSums; ++j) {
        if (zeros > 0 && (j + shift) / zeros % 2 == 0) continue;
        values[j] = random() % 8 == 0 ? kOdd[random() % std::size(kOdd)]
                                      : std::ldexp(static_cast<double>(random()),
                                                   static_cast<int>(random() % 90) - 60);
      }
      for (size_t j = 0; j < kSums; ++j) expected[j].Add(values[j]);
      add(values.data(), kSums, sums.data(), compensations.data());
    }
    for (size_t j = 0; j < kSums; ++j) {
      const double value = sums[j] + compensations[j];
      if (std::isnan(expected[j].value())) {
        EXPECT_TRUE(std::isnan(value));
      } else {
        EXPECT_EQ(std::bit_cast<uint64_t>(value), std::bit_cast<uint64_t>(expected[j].value()));
      }
    }
  }
}

TEST(SumsTest, AreThoseOfOneAtATime) { ExpectSums(AddToSums, 0); }

TEST(SumsTest, AreTheSameWhereZerosAreLeftOut) {
  for (const size_t zeros : {0, 1, 7, 16, 40}) ExpectSums(AddSparseToSums, zeros);
}

TEST(SumsTest, TellsWhereTheNextAbsentValueIsAndTheNextThatIsThere) {
  for (size_t size : {0, 1, 15, 16, 17, 40}) {
    std::vector<double> values(size, std::numeric_limits<double>::quiet_NaN());
    std::vector<double> others(size, AbsentValue());
    EXPECT_EQ(NextAbsent(values, 0), size);
    EXPECT_EQ(NextPresent(others, 0), size);
    for (size_t at = 0; at < size; ++at) {
      values[at] = AbsentValue();
      others[at] = 1;
      for (size_t begin = 0; begin <= size; ++begin) {
        EXPECT_EQ(NextAbsent(values, begin), begin <= at ? at : size);
        EXPECT_EQ(NextPresent(others, begin), begin <= at ? at : size);
      }
      values[at] = 1;
      others[at] = AbsentValue();
    }
  }
}

}  // namespace
}  // namespace leadline::collector::promql
