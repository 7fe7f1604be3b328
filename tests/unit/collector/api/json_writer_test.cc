#include "collector/api/json_writer.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <random>

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

TEST(JsonWriter, WritesPointsAsTheirParts) {
  const std::pair<int64_t, double> points[] = {
      {0, 0},          {1435781451781, 0.5},
      {-1, -0.0},      {std::numeric_limits<int64_t>::min(), std::nan("")},
      {15000, 5e-324}, {std::numeric_limits<int64_t>::max(), -1.2345678901234568e20},
      {100, 1e21},     {20, -std::numeric_limits<double>::infinity()},
  };
  std::string at_once;
  std::string in_parts;
  JsonWriter one(at_once);
  JsonWriter other(in_parts);
  one.BeginArray();
  other.BeginArray();
  for (const auto& [ts_ms, value] : points) {
    one.Point(ts_ms, value);
    other.BeginArray();
    other.Time(ts_ms);
    other.SampleValue(value);
    other.EndArray();
  }
  one.EndArray();
  other.EndArray();
  EXPECT_EQ(at_once, in_parts);
  EXPECT_EQ(at_once.substr(0, 33), R"([[0,"0"],[1435781451.781,"0.5"],[)");
}

TEST(JsonWriter, PutsCommasAndEscapes) {
  std::string out;
  JsonWriter json(out);
  json.BeginObject();
  json.Key("a\"b");
  json.BeginArray();
  json.Integer(-1);
  json.String("x\\y\nz\x01\xff\xc3\xbc");
  json.SampleValue(0.5);
  json.BeginArray();
  json.EndArray();
  json.EndArray();
  json.Key("t");
  json.Time(1435781451781);
  json.Key("u");
  json.Time(-1500);
  json.Key("v");
  json.Time(2000);
  json.Key("w");
  json.Time(2005);
  json.EndObject();
  EXPECT_EQ(out,
            "{\"a\\\"b\":[-1,\"x\\\\y\\nz\\u0001\xef\xbf\xbd\xc3\xbc\",\"0.5\",[]],"
            "\"t\":1435781451.781,\"u\":-1.500,\"v\":2,\"w\":2.005}");
}

}  // namespace
}  // namespace leadline::collector::api
