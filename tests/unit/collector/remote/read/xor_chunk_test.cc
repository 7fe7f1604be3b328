#include "collector/remote/read/xor_chunk.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "xor_reader.h"

namespace leadline::collector::remote::read {
namespace {

void ExpectReadsBack(const std::vector<int64_t>& ts_ms, const std::vector<double>& values) {
  const std::string chunk = EncodeXorChunk(ts_ms, values);
  XorReader reader(chunk);
  const auto samples = reader.ReadAll();
  ASSERT_EQ(samples.size(), ts_ms.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i].first, ts_ms[i]) << i;
    EXPECT_EQ(std::bit_cast<uint64_t>(samples[i].second), std::bit_cast<uint64_t>(values[i])) << i;
  }
  EXPECT_TRUE(reader.AtEnd());
}

TEST(XorChunk, ReadsBackTheSame) {
  ExpectReadsBack({1'700'000'000'000}, {1.5});
  ExpectReadsBack({-5, 0}, {0, -0.0});
  ExpectReadsBack({0, 1, INT64_MAX / 2}, {NAN, INFINITY, -INFINITY});
  std::mt19937_64 random(3);
  for (int round = 0; round < 500; ++round) {
    std::vector<int64_t> ts_ms;
    std::vector<double> values;
    auto at = static_cast<int64_t>(random() >> 20);
    for (size_t i = 0; i < 1 + random() % 300; ++i) {
      at += 1 + static_cast<int64_t>(random() >> (20 + random() % 44) >> (round % 20));
      ts_ms.push_back(at);
      const double kinds[] = {static_cast<double>(i), std::bit_cast<double>(random()), 0.1,
                              std::bit_cast<double>(uint64_t{1} << random() % 64)};
      values.push_back(kinds[random() % 4]);
    }
    ExpectReadsBack(ts_ms, values);
  }
}

// The edges of the classes of differences of times.
TEST(XorChunk, WritesEachDifferenceOfTimes) {
  std::vector<int64_t> ts_ms = {0, 10'000'000};
  std::vector<double> values = {0, 0};
  for (const int64_t edge : {0, 1, 8191, 8192, 8193, 65535, 65536, 65537, 524287, 524288, 524289}) {
    for (const int64_t difference : {edge, -edge}) {
      const int64_t step = ts_ms.back() - ts_ms[ts_ms.size() - 2] + difference;
      ts_ms.push_back(ts_ms.back() + step);
      values.push_back(0);
    }
  }
  ExpectReadsBack(ts_ms, values);
}

// 10 s apart and constant: two bits a sample after the second.
TEST(XorChunk, IsSmall) {
  std::vector<int64_t> ts_ms;
  for (int i = 0; i < 120; ++i) ts_ms.push_back(1'700'000'000'000 + i * 10'000);
  EXPECT_EQ(EncodeXorChunk(ts_ms, std::vector<double>(120, 1)).size(), 2 + 6 + 8 + 2 + 30);
}

}  // namespace
}  // namespace leadline::collector::remote::read
