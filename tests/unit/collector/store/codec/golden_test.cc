// Chunks of every encoding, as they are on disk.
#include "tests/unit/collector/store/golden.h"

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/codec/chunk.h"

namespace leadline::collector::store::codec {
namespace {

struct Case {
  const char* name;
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
};

class FloatGolden : public testing::TestWithParam<Case> {};

TEST_P(FloatGolden, IsWrittenAndReadAsItIsOnDisk) {
  const Case& test = GetParam();
  const std::string golden =
      Golden(std::string("chunk_") + test.name + ".bin", EncodeChunk(test.ts_ms, test.values));
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
  ASSERT_TRUE(DecodeChunk(golden, ts_ms, values).ok());
  EXPECT_EQ(ts_ms, test.ts_ms);
  EXPECT_EQ(values, test.values);
}

std::vector<int64_t> Regularly(size_t count) {
  std::vector<int64_t> ts_ms;
  for (size_t i = 0; i < count; ++i) ts_ms.push_back(1000 * static_cast<int64_t>(i));
  return ts_ms;
}

// Numbers that look random and are the same everywhere.
std::vector<double> Scattered(size_t count, double (*value)(uint64_t random)) {
  std::vector<double> values;
  uint64_t random = 1;
  for (size_t i = 0; i < count; ++i) {
    random = random * 6364136223846793005 + 1442695040888963407;
    values.push_back(value(random >> 33));
  }
  return values;
}

INSTANTIATE_TEST_SUITE_P(
    Encodings, FloatGolden,
    testing::Values(
        Case{
            "constant", {1'700'000'000'000, 1'700'000'010'000, 1'700'000'020'000}, {2.5, 2.5, 2.5}},
        Case{"linear", {1'700'000'000'000, 1'700'000'010'000, 1'700'000'020'000}, {3, 5, 7}},
        Case{"packed_delta_of_delta", {1000, 2000, 3001, 4000}, {7, -3, 12, 0}},
        Case{"sparse_delta",
             {1000, 2000, 3000, 4001, 5000, 6000},
             {1e6, 2e6, 3e6 + 1, 4e6, 5e6 - 1, 6e6}},
        Case{"decimal", {1000, 2000, 3000, 4000}, {0.5, 0.75, 0.75, 0.625}},
        Case{"factor", {1000, 2000, 3000, 4000}, {4096, 12288, 8192, 65536}},
        Case{"exceptions",
             {1000, 2000, 3000, 4000},
             {1.5, std::numeric_limits<double>::infinity(), 2.5, 3.5}},
        Case{"sparse", Regularly(40),
             [] {
               std::vector<double> values(40, 7);
               values[9] = 8;
               return values;
             }()},
        Case{"coded_of_a_family", Regularly(400),
             Scattered(400,
                       [](uint64_t random) {  // as sums of dice: a bell
                         double sum = 1e6;
                         for (; random > 0; random /= 64) sum += double(random % 64);
                         return sum;
                       })},
        Case{"coded_with_its_own_table", Regularly(300),
             Scattered(300,
                       [](uint64_t random) { return double(random % 16 < 13 ? 3 : random % 3); })},
        Case{
            "coded_with_escapes", Regularly(100),
            Scattered(100, [](uint64_t random) { return random % 50 ? double(random % 8) : 1e9; })},
        Case{"zeros_apart", Regularly(100),
             Scattered(100, [](uint64_t random) { return random % 3 ? 0 : double(random); })},
        Case{"xor", {1000, 2000, 3000, 4000}, {1.0 / 3, 2.0 / 3, 2.0 / 3, 4.0 / 3}},
        Case{"ordered", {1000, 2000, 3000}, {1.0 / 3, 1.0 / 3 + 1e-16, 1.0 / 3 + 2e-16}},
        Case{"raw", {1000, 2000}, {1.0 / 3, -123456.789e-200}}),
    [](const auto& test) { return test.param.name; });

void ExpectGolden(const char* name, const std::vector<model::NativeHistogram>& values) {
  const std::vector<int64_t> ts_ms = {1000, 2000, 3000};
  const std::string golden = Golden(name, EncodeChunk(ts_ms, values));
  std::vector<int64_t> read_ts_ms;
  std::vector<model::NativeHistogram> read_values;
  ASSERT_TRUE(DecodeChunk(golden, read_ts_ms, read_values).ok());
  EXPECT_EQ(read_ts_ms, ts_ms);
  EXPECT_EQ(read_values, values);
}

TEST(HistogramGolden, IsWrittenAndReadAsItIsOnDisk) {
  std::vector<model::NativeHistogram> values(3);
  for (uint64_t i = 0; i < values.size(); ++i) {
    values[i].schema = 3;
    values[i].zero_threshold = 1e-128;
    values[i].zero_count = i;
    values[i].count = 10 * i + 4;
    values[i].sum = 0.25 * static_cast<double>(i);
    values[i].positive = {{-2, 1 + i}, {5, 3}};
  }
  values[2].positive.push_back({6, 9});
  values[2].negative.push_back({0, 1});
  ExpectGolden("chunk_histograms.bin", values);
}

std::vector<model::NativeHistogram> Floats() {
  std::vector<model::NativeHistogram> values(3);
  for (int i = 0; i < 3; ++i) {
    model::NativeHistogram& value = values[static_cast<size_t>(i)];
    value.schema = 3;
    value.reset_hint = model::ResetHint::kGauge;
    value.float_counts = true;
    value.zero_threshold = 1e-128;
    value.zero_count = model::FloatCount(0.5 * i);
    value.count = model::FloatCount(10.0 / 3 + i);
    value.sum = 0.25 * i;
    value.positive = {{-2, model::FloatCount(1 + i / 3.0)}, {5, model::FloatCount(3)}};
  }
  values[2].negative.push_back({0, model::FloatCount(0.125)});
  return values;
}

TEST(HistogramGolden, OfFloatCounts) { ExpectGolden("chunk_float_counts.bin", Floats()); }

// As where a writer changes from one to the other.
TEST(HistogramGolden, OfWholeAndFloatCounts) {
  std::vector<model::NativeHistogram> values = Floats();
  values[1].float_counts = false;
  values[1].zero_count = 1;
  values[1].count = 3;
  values[1].positive = {{-2, 1}, {6, 1}};
  ExpectGolden("chunk_whole_and_float_counts.bin", values);
}

TEST(HistogramGolden, OfCustomBuckets) {
  std::vector<model::NativeHistogram> values(3);
  for (uint64_t i = 0; i < values.size(); ++i) {
    values[i].schema = model::kCustomBuckets;
    values[i].reset_hint = static_cast<model::ResetHint>(i + 1);
    values[i].count = 3 + i;
    values[i].sum = 1.5;
    values[i].positive = {{0, 1 + i}, {2, 2}};
    values[i].custom_bounds = {0.25, 2.5};
  }
  values[2].custom_bounds = {0.25, 1, 2.5};
  ExpectGolden("chunk_custom_buckets.bin", values);
}

}  // namespace
}  // namespace leadline::collector::store::codec
