// The parts of the encoders: packing, symbols, residuals, integers, decimals.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/codec/decimals.h"
#include "collector/store/codec/floats.h"
#include "collector/store/codec/integers.h"
#include "collector/store/codec/packing.h"
#include "collector/store/codec/residuals.h"
#include "collector/store/codec/symbol_tables.h"
#include "collector/store/codec/symbols.h"

namespace leadline::collector::store::codec {
namespace {

using testing::ElementsAre;

TEST(Packing, GivesBackTheLowBitsOfEveryWidthAndCount) {
  std::mt19937_64 random(1);
  for (int width = 0; width <= 64; ++width) {
    for (size_t count : {1, 2, 7, 8, 31, 32, 33, 100}) {
      std::vector<uint64_t> values(count);
      for (uint64_t& value : values) value = random();
      std::string bytes;
      PackBits(values, width, bytes);
      ASSERT_EQ(bytes.size(), PackedBytes(count, width));
      std::vector<uint64_t> read(count);
      UnpackBits(bytes, width, absl::MakeSpan(read));
      for (size_t i = 0; i < count; ++i) {
        const uint64_t low = width == 64 ? values[i] : values[i] & ((uint64_t{1} << width) - 1);
        ASSERT_EQ(read[i], low) << "width " << width << " of " << count << " at " << i;
      }
    }
  }
}

TEST(SymbolTables, LikelihoodsOfTheFamilyAddUp) {
  for (size_t id = 1; id <= kFamily; ++id) {
    const Likelihoods& likelihoods = FamilyLikelihoods(static_cast<uint8_t>(id));
    uint32_t total = 0;
    for (const uint16_t likelihood : likelihoods) total += likelihood;
    EXPECT_EQ(total, kLikelihoods) << "table " << id;
  }
}

// The family is a part of the format: a checksum of all of it.
TEST(SymbolTables, TheFamilyIsTheSameForEver) {
  uint64_t hash = 14695981039346656037u;
  for (size_t id = 1; id <= kFamily; ++id) {
    for (const uint16_t likelihood : FamilyLikelihoods(static_cast<uint8_t>(id))) {
      hash = (hash ^ likelihood) * 1099511628211u;
    }
  }
  EXPECT_EQ(hash, 9787772768885946503u);
}

void ExpectSymbolsRoundTrip(const std::vector<uint8_t>& symbols) {
  SymbolCounts counts{};
  for (const uint8_t symbol : symbols) ++counts[symbol];
  std::string bytes;
  const SymbolCode code = ChooseCode(counts);
  EncodeSymbols(symbols, code, bytes);
  EXPECT_NEAR(static_cast<double>(8 * bytes.size()), code.bits, 8 * 14 + 0.02 * code.bits);
  for (const bool has_more : {false, true}) {
    const std::string input = bytes + (has_more ? std::string(20'000, 'x') : "");
    ByteReader reader(input);
    std::vector<uint8_t> read(symbols.size());
    DecodeSymbols(reader, absl::MakeSpan(read));
    ASSERT_TRUE(reader.ok());
    ASSERT_EQ(read, symbols);
    ASSERT_EQ(reader.remaining(), input.size() - bytes.size());
  }
}

TEST(Symbols, RoundTripWhateverTheirLikelihoods) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 400; ++round) {
    std::vector<uint8_t> symbols(1 + random() % (round % 10 ? 400 : 4096));
    std::geometric_distribution<int> falling(0.02 +
                                             0.9 * static_cast<double>(random() % 100) / 100);
    const uint64_t range = 1 + random() % kSymbols;
    for (uint8_t& symbol : symbols) {
      symbol = static_cast<uint8_t>(
          round % 2 ? random() % range
                    : static_cast<uint64_t>(std::min<int>(falling(random), kEscape)));
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSymbolsRoundTrip(symbols)) << "round " << round;
  }
}

TEST(Symbols, TakeLittleMoreThanTheirEntropy) {
  std::mt19937_64 random(3);
  std::vector<uint8_t> symbols(4096);
  for (uint8_t& symbol : symbols) symbol = random() % 50 == 0 ? 1 : 0;
  SymbolCounts counts{};
  for (const uint8_t symbol : symbols) ++counts[symbol];
  const double part = static_cast<double>(counts[1]) / 4096;
  const double entropy = -4096 * (part * std::log2(part) + (1 - part) * std::log2(1 - part));
  std::string bytes;
  EncodeSymbols(symbols, ChooseCode(counts), bytes);
  EXPECT_LT(static_cast<double>(8 * bytes.size()), 1.05 * entropy + 8 * 18);
}

void ExpectResidualsRoundTrip(const std::vector<uint64_t>& residuals, ResidualMode mode) {
  const ResidualPlan plan = PlanResiduals(residuals);
  EXPECT_EQ(plan.mode, mode);
  std::string bytes;
  EncodeResiduals(residuals, plan, bytes);
  EXPECT_NEAR(static_cast<double>(8 * bytes.size()), plan.bits, 8 * 24 + 0.02 * plan.bits);
  ByteReader reader(bytes);
  std::vector<uint64_t> read(residuals.size());
  DecodeResiduals(reader, plan.mode, absl::MakeSpan(read));
  ASSERT_TRUE(reader.ok() && reader.AtEnd());
  EXPECT_EQ(read, residuals);
}

TEST(Residuals, AreCodedByWhatTheyAre) {
  std::mt19937_64 random(4);
  const auto make = [&](size_t count, auto value) {
    std::vector<uint64_t> residuals(count);
    for (uint64_t& residual : residuals) residual = value(random());
    return residuals;
  };
  ExpectResidualsRoundTrip(std::vector<uint64_t>(500, 0), ResidualMode::kZeros);
  std::vector<uint64_t> few(500, 0);
  few.front() = 7;
  few[250] = ~uint64_t{0};
  few.back() = 1;
  ExpectResidualsRoundTrip(few, ResidualMode::kSparse);
  ExpectResidualsRoundTrip(make(40, [](uint64_t r) { return r; }), ResidualMode::kPacked);
  std::vector<uint64_t> falling(1000);
  std::geometric_distribution<uint64_t> distribution(0.01);
  for (uint64_t& residual : falling) residual = distribution(random);
  ExpectResidualsRoundTrip(falling, ResidualMode::kCoded);
  falling[17] = ~uint64_t{0};
  falling[18] = uint64_t{1} << 40;
  ExpectResidualsRoundTrip(falling, ResidualMode::kCoded);
  ExpectResidualsRoundTrip(
      make(1000, [](uint64_t r) { return r % 3 ? 0 : 1 + (r >> 20) % 100'000; }),
      ResidualMode::kZerosApart);
}

TEST(Residuals, WhatNestsDeeperThanOnceIsMalformed) {
  std::string bytes;
  SymbolCounts counts{};
  counts[1] = 3;
  EncodeSymbols(std::vector<uint8_t>{1, 1, 1}, ChooseCode(counts), bytes);
  bytes.push_back(static_cast<char>(ResidualMode::kZerosApart));
  ByteReader reader(bytes);
  std::vector<uint64_t> read(3);
  DecodeResiduals(reader, ResidualMode::kZerosApart, absl::MakeSpan(read));
  EXPECT_FALSE(reader.ok());
}

size_t ExpectIntegersRoundTrip(const std::vector<int64_t>& values) {
  std::string bytes;
  EncodeIntegers(values, bytes);
  ByteReader reader(bytes);
  std::vector<int64_t> read(values.size());
  DecodeIntegers(reader, absl::MakeSpan(read));
  EXPECT_TRUE(reader.ok() && reader.AtEnd());
  EXPECT_EQ(read, values);
  return bytes.size();
}

TEST(Integers, RoundTripWhateverComes) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 3000; ++round) {
    std::vector<int64_t> values;
    const int bits = static_cast<int>(1 + random() % 64);
    const int64_t factor = random() % 3 == 0 ? static_cast<int64_t>(1 + random() % 5000) : 1;
    int64_t sum = static_cast<int64_t>(random() >> random() % 64);
    for (size_t i = 0; i < 1 + random() % 300; ++i) {
      const auto step = static_cast<int64_t>(random() >> (64 - bits));
      sum = static_cast<int64_t>(static_cast<uint64_t>(sum) +
                                 static_cast<uint64_t>(step) * static_cast<uint64_t>(factor));
      values.push_back(round % 2 ? sum : step);
    }
    ExpectIntegersRoundTrip(values);
  }
  for (const int64_t extreme : {INT64_MIN, INT64_MAX, int64_t{0}, int64_t{-1}}) {
    ExpectIntegersRoundTrip({extreme});
    ExpectIntegersRoundTrip({INT64_MIN, extreme, INT64_MAX, extreme});
    ExpectIntegersRoundTrip({extreme, extreme, extreme});
  }
}

TEST(Integers, AreToldToAscend) {
  for (size_t size = 0; size < 40; ++size) {
    std::vector<int64_t> values(size);
    for (size_t i = 0; i < size; ++i) values[i] = static_cast<int64_t>(i) - 7;
    EXPECT_TRUE(Ascend(values));
    for (size_t at = 1; at < size; ++at) {
      const int64_t before = std::exchange(values[at], values[at - 1]);
      EXPECT_FALSE(Ascend(values)) << at << " of " << size;
      values[at] = before;
    }
  }
}

TEST(Integers, AFactorInCommonCostsNothing) {
  std::mt19937_64 random(6);
  std::vector<int64_t> pages;
  std::vector<int64_t> bytes;
  for (size_t i = 0; i < 500; ++i) {
    pages.push_back(static_cast<int64_t>(random() % 1000));
    bytes.push_back(pages.back() * 4096 + 123);
  }
  EXPECT_LE(ExpectIntegersRoundTrip(bytes), ExpectIntegersRoundTrip(pages) + 8);
}

TEST(Integers, AConstantAndASteadyCounterTakeAFewBytes) {
  EXPECT_LE(ExpectIntegersRoundTrip(std::vector<int64_t>(4096, 1'000'000)), 6u);
  std::vector<int64_t> steady;
  for (int64_t i = 0; i < 4096; ++i) steady.push_back(5 + 1000 * i);
  EXPECT_LE(ExpectIntegersRoundTrip(steady), 8u);
}

struct DecimalCase {
  double value;
  int digits;
  int64_t mantissa;
};

TEST(Decimals, TakesAsManyDigitsAsAreNeeded) {
  for (const DecimalCase& test : {DecimalCase{0.1, 1, 1},
                                  {-2.5, 1, -25},
                                  {123, 0, 123},
                                  {1e-9, 9, 1},
                                  {12345.678901234, 9, 12345678901234},
                                  {9007199254740992, 0, 9007199254740992}}) {
    const auto decimals = AsDecimals({test.value});
    ASSERT_TRUE(decimals) << test.value;
    EXPECT_EQ(decimals->digits, test.digits) << test.value;
    EXPECT_THAT(decimals->mantissas, ElementsAre(test.mantissa)) << test.value;
  }
}

TEST(Decimals, LeavesOutWhatIsNone) {
  for (const double value :
       {-0.0, 1.0 / 3, 9007199254740994.0, 1e300, 5e-324, std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_FALSE(AsDecimals({value})) << value;
    const auto decimals = AsDecimals({value, 1.25, 2.5, value, 3, 4, 5, 6});
    ASSERT_TRUE(decimals) << value;
    EXPECT_THAT(decimals->exceptions, ElementsAre(0, 3)) << value;
    EXPECT_THAT(decimals->mantissas, ElementsAre(125, 125, 250, 250, 300, 400, 500, 600)) << value;
  }
}

TEST(Decimals, GivesBackEveryDecimalExactly) {
  std::mt19937_64 random(7);
  for (int digits = 0; digits <= kMaxDigits; ++digits) {
    std::vector<double> values;
    for (int i = 0; i < 200; ++i) {
      const auto mantissa = static_cast<int64_t>(random() >> (11 + random() % 50));
      values.push_back(static_cast<double>(mantissa) / std::pow(10, digits));
    }
    const auto decimals = AsDecimals(values);
    ASSERT_TRUE(decimals) << digits;
    EXPECT_LE(decimals->digits, digits);
    std::vector<double> read(values.size());
    FromDecimals(decimals->mantissas, decimals->digits, absl::MakeSpan(read));
    for (const size_t at : decimals->exceptions) read[at] = values[at];
    EXPECT_EQ(read, values) << digits;
  }
}

}  // namespace
}  // namespace leadline::collector::store::codec
