#include "collector/api/number_text.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace leadline::collector::api {
namespace {

std::string Float(double value) {
  std::string out;
  AppendFloat(value, out);
  return out;
}

TEST(AppendFloat, WritesWhatGoWrites) {
  const std::pair<double, const char*> cases[] = {
      {0, "0"},
      {-0.0, "-0"},
      {1, "1"},
      {0.1, "0.1"},
      {-2.5, "-2.5"},
      {1e-6, "0.000001"},
      {9.99e-7, "9.99e-07"},
      {1.5e-10, "1.5e-10"},
      {5e-324, "5e-324"},
      {9007199254740991, "9007199254740991"},
      {9007199254740993, "9007199254740992"},
      {1e20, "100000000000000000000"},
      {1.2345678901234568e20, "123456789012345680000"},
      {-1.2345678901234568e20, "-123456789012345680000"},
      {1e21, "1e+21"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
      {std::numeric_limits<double>::infinity(), "+Inf"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::nan(""), "NaN"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(Float(value), text);
}

TEST(AppendFixed, HasNoExponent) {
  const std::pair<double, const char*> cases[] = {{1e-7, "0.0000001"},
                                                  {-1.5e-9, "-0.0000000015"},
                                                  {1e21, "1000000000000000000000"},
                                                  {-2.5e22, "-25000000000000000000000"},
                                                  {0.1, "0.1"},
                                                  {0, "0"},
                                                  {INFINITY, "+Inf"},
                                                  {NAN, "NaN"}};
  for (const auto& [value, want] : cases) {
    std::string out;
    AppendFixed(value, out);
    EXPECT_EQ(out, want);
  }
  for (const double value : {1.7976931348623157e308, 5e-324}) {
    std::string out;
    AppendFixed(value, out);
    EXPECT_EQ(std::strtod(out.c_str(), nullptr), value);
    EXPECT_EQ(out.find('e'), std::string::npos);
  }
}

TEST(AppendFloat, GivesTheSameNumberBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = Float(value);
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    ASSERT_EQ(back, value) << text;
  }
}

// What is a decimal is written as the library writes it, which looks for the shortest.
TEST(AppendFixed, WritesDecimalsAsTheLibraryDoes) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 200'000; ++i) {
    const auto number = static_cast<double>(random() >> (8 + random() % 56));
    double value = number / std::pow(10, static_cast<double>(random() % 12));
    if (random() % 2 == 0) value = -value;
    if (random() % 4 == 0) value = std::nextafter(value, 0);
    if (std::fabs(value) >= 9e15)
      continue;  // which the library writes with digits that say nothing
    char want[kFixedBytes];
    const auto [end, error] = std::to_chars(want, std::end(want), value, std::chars_format::fixed);
    std::string text;
    AppendFixed(value, text);
    ASSERT_EQ(text, std::string(want, end));
  }
}

}  // namespace
}  // namespace leadline::collector::api
