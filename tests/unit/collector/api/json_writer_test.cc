#include "collector/api/json_writer.h"

#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace leadline::collector::api {
namespace {

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

// Of series with the same times, with some of them, and with more than are kept.
TEST(JsonWriter, WritesManyPointsAsEach) {
  std::mt19937_64 random(3);
  std::string at_once;
  std::string one_by_one;
  JsonWriter many(at_once);
  JsonWriter each(one_by_one);
  for (int series = 0; series < 40; ++series) {
    std::vector<int64_t> ts_ms;
    std::vector<double> values;
    const int64_t steps = series % 10 == 9 ? 6000 : 50;
    double value = 0;
    for (int64_t step = 0; step < steps; ++step) {
      if (series % 3 == 1 && random() % 4 == 0) continue;
      ts_ms.push_back((series % 7 == 6 ? -1 : 1) * 1'435'781'451'781 + step * 15'000);
      if (random() % 2 == 0) value = std::bit_cast<double>(random());
      values.push_back(value);
    }
    many.Points(ts_ms, values);
    each.BeginArray();
    for (size_t i = 0; i < ts_ms.size(); ++i) each.Point(ts_ms[i], values[i]);
    each.EndArray();
  }
  EXPECT_EQ(at_once, one_by_one);
}

// Beside one byte after the other.
TEST(JsonWriter, EscapesWhereverItIs) {
  std::mt19937 random(4);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % (round % 100 == 0 ? 600 : 20), 'a');
    for (size_t i = random() % 3; i > 0 && !text.empty(); --i) {
      text[random() % text.size()] = static_cast<char>(random() % 128);
    }
    std::string want = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        want += '\\';
        want += c;
      } else if (c == '\n') {
        want += "\\n";
      } else if (c < 0x20) {
        char escaped[8];
        snprintf(escaped, sizeof(escaped), "\\u%04x", c);
        want += escaped;
      } else {
        want += c;
      }
    }
    std::string out;
    JsonWriter json(out);
    json.String(text);
    ASSERT_EQ(out, want + '"');
  }
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
