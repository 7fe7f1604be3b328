#include "collector/store/codec/chunk.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/store/codec/residuals.h"

namespace leadline::collector::store::codec {
namespace {

using model::NativeHistogram;

std::vector<uint64_t> BitsOf(const std::vector<double>& values) {
  std::vector<uint64_t> bits;
  bits.reserve(values.size());
  for (double value : values) bits.push_back(std::bit_cast<uint64_t>(value));
  return bits;
}

std::vector<int64_t> Regular(size_t count) {
  std::vector<int64_t> ts_ms;
  for (size_t i = 0; i < count; ++i) {
    ts_ms.push_back(1'700'000'000'000 + static_cast<int64_t>(i) * 10'000);
  }
  return ts_ms;
}

void ExpectRoundTrip(const std::vector<int64_t>& ts_ms, const std::vector<double>& values) {
  const std::string chunk = EncodeChunk(ts_ms, values);
  std::vector<int64_t> read_ts_ms;
  std::vector<double> read_values;
  ASSERT_TRUE(DecodeChunk(chunk, read_ts_ms, read_values).ok());
  ASSERT_EQ(read_ts_ms, ts_ms);
  ASSERT_EQ(BitsOf(read_values), BitsOf(values));
  const auto info = ReadChunkInfo(chunk);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->count, ts_ms.size());
  EXPECT_EQ(info->first_ms, ts_ms.front());
  EXPECT_EQ(info->last_ms, ts_ms.back());
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct FloatCase {
  const char* name;
  std::vector<double> values;
  size_t max_bytes;  // of the chunk, regular timestamps included: the encoder has chosen well
};

class FloatChunk : public testing::TestWithParam<FloatCase> {};

TEST_P(FloatChunk, RoundTripsAndIsSmall) {
  const FloatCase& test = GetParam();
  const std::vector<int64_t> ts_ms = Regular(test.values.size());
  ExpectRoundTrip(ts_ms, test.values);
  EXPECT_LE(EncodeChunk(ts_ms, test.values).size(), test.max_bytes);
}

std::vector<double> Generate(size_t count, double (*value)(size_t)) {
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i) values.push_back(value(i));
  return values;
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FloatChunk,
    testing::Values(
        FloatCase{"one", {42}, 40}, FloatCase{"constant", std::vector<double>(256, 0.1), 40},
        FloatCase{"stale_only", {model::StaleNan()}, 40},
        FloatCase{"steady_counter",
                  Generate(256, [](size_t i) { return 1000.0 + 17.0 * double(i); }), 40},
        FloatCase{
            "jittery_counter",
            Generate(256, [](size_t i) { return 1e9 + 100.0 * double(i) + double(i * 7 % 5); }),
            40 + 256 * 5 / 8},
        FloatCase{"counter_with_reset",
                  Generate(64, [](size_t i) { return double(i < 32 ? 1000 * i : i - 32); }), 512},
        FloatCase{"small_gauge", Generate(256, [](size_t i) { return double(i * 7919 % 16); }),
                  40 + 256 * 6 / 8},
        FloatCase{"fractions", Generate(64, [](size_t i) { return 0.1 * double(i); }), 64 * 9 + 40},
        FloatCase{"noise", Generate(64, [](size_t i) { return std::sin(double(i) * 1e6); }),
                  64 * 8 + 40},
        FloatCase{"infinities", {kInfinity, -kInfinity, 0.0, -0.0, kInfinity}, 80},
        FloatCase{"ends_stale", {1, 2, 3, 4, model::StaleNan()}, 80},
        FloatCase{"exact_integer_limits", {9007199254740992.0, -9007199254740992.0, 0}, 80},
        FloatCase{"beyond_exact_integers",
                  {9007199254740994.0, 9223372036854775808.0, 1e308, -1e308},
                  80},
        FloatCase{"denormals", {5e-324, -5e-324, 2.2250738585072014e-308}, 80}),
    [](const auto& test) { return test.param.name; });

TEST(FloatChunk, KeepsEveryNanPayload) {
  std::vector<double> values;
  for (const uint64_t bits :
       {uint64_t{0x7ff0000000000001}, uint64_t{0x7ff0000000000002}, uint64_t{0x7ff8000000000000},
        uint64_t{0xfff8000000000001}, uint64_t{0x7fffffffffffffff}, ~uint64_t{0}}) {
    values.push_back(std::bit_cast<double>(bits));
    values.push_back(1.5);
  }
  ExpectRoundTrip(Regular(values.size()), values);
}

// A stream that mixes what encoders treat apart.
double RandomValue(std::mt19937_64& random, double last) {
  switch (random() % 9) {
    case 0:
      return last;
    case 1:
      return std::floor(last) + static_cast<double>(random() % 100);
    case 2:
      return std::bit_cast<double>(random());
    case 3:
      return static_cast<double>(static_cast<int64_t>(random()));
    case 4:
      return model::StaleNan();
    case 5:
      return static_cast<double>(random() % 1000) / 10;
    case 6:
      return -last;
    case 7:
      return 0;
    default:
      return std::bit_cast<double>(std::bit_cast<uint64_t>(last) ^
                                   (uint64_t{1} << (random() % 64)));
  }
}

TEST(FloatChunk, RoundTripsWhateverComes) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    const size_t count = 1 + random() % 300;
    const bool wild_times = random() % 4 == 0;
    const bool integers_only = random() % 3 == 0;
    std::vector<int64_t> ts_ms;
    std::vector<double> values;
    int64_t ts = wild_times
                     ? std::numeric_limits<int64_t>::min() + static_cast<int64_t>(random() % 5)
                     : 1'700'000'000'000;
    double value = 0;
    for (size_t i = 0; i < count; ++i) {
      ts_ms.push_back(ts);
      const uint64_t step = wild_times ? random() % (uint64_t{1} << 55) : 1 + random() % 20'000;
      ts += static_cast<int64_t>(step + 1);
      value = integers_only ? static_cast<double>(static_cast<int64_t>(random() % 2000) - 1000)
                            : RandomValue(random, value);
      values.push_back(value);
    }
    ASSERT_NO_FATAL_FAILURE(ExpectRoundTrip(ts_ms, values)) << "round " << round;
  }
}

TEST(FloatChunk, RoundTripsTimesAtBothEnds) {
  ExpectRoundTrip({std::numeric_limits<int64_t>::min(), 0, std::numeric_limits<int64_t>::max()},
                  {1, 2, 3});
}

NativeHistogram RandomHistogram(std::mt19937_64& random) {
  NativeHistogram histogram;
  histogram.schema = static_cast<int32_t>(random() % 13) - 4;
  histogram.zero_threshold = random() % 2 ? 0.0 : 1e-9;
  histogram.zero_count = random() % 3 == 0 ? random() : 0;
  histogram.count = random() % 5 == 0 ? ~uint64_t{0} : random() % 1000;
  histogram.sum = random() % 10 == 0 ? model::StaleNan() : std::bit_cast<double>(random());
  for (auto* buckets : {&histogram.positive, &histogram.negative}) {
    int64_t index = random() % 20 == 0 ? std::numeric_limits<int32_t>::min()
                                       : static_cast<int64_t>(random() % 10) - 5;
    const size_t count = random() % 12;
    for (size_t i = 0; i < count; ++i) {
      buckets->push_back(
          {static_cast<int32_t>(index), random() % 4 == 0 ? ~uint64_t{0} - i : i + 1});
      index += 1 + static_cast<int64_t>(random() % 3);
    }
    if (random() % 20 == 0) buckets->push_back({std::numeric_limits<int32_t>::max(), 1});
  }
  histogram.reset_hint = static_cast<model::ResetHint>(random() % 4);
  if (random() % 3 == 0) {
    histogram.schema = model::kCustomBuckets;
    // Few different lists, so that some are shared.
    double bound = static_cast<double>(random() % 3) - 1.5;
    for (size_t i = 0; i < random() % 5; ++i) histogram.custom_bounds.push_back(bound *= -1.5);
    std::sort(histogram.custom_bounds.begin(), histogram.custom_bounds.end());
  }
  return histogram;
}

// Floats of all kinds instead of its counts.
NativeHistogram WithFloatCounts(NativeHistogram histogram, std::mt19937_64& random) {
  const auto any = [&random] {
    const double values[] = {std::bit_cast<double>(random()),
                             static_cast<double>(random() % 50),
                             static_cast<double>(random() % 1000) / 300,
                             -0.0,
                             std::numeric_limits<double>::quiet_NaN(),
                             kInfinity};
    return model::FloatCount(values[random() % 6]);
  };
  histogram.float_counts = true;
  histogram.zero_count = any();
  histogram.count = any();
  for (auto* buckets : {&histogram.positive, &histogram.negative}) {
    for (auto& bucket : *buckets) {
      bucket.count = any();
      if (bucket.count == 0) bucket.count = model::FloatCount(0.1);
    }
  }
  return histogram;
}

// Of whole counts, of float counts, or of both.
std::vector<NativeHistogram> RandomHistograms(std::mt19937_64& random, size_t count) {
  const uint64_t kinds = random() % 3;
  std::vector<NativeHistogram> values;
  for (size_t i = 0; i < count; ++i) {
    NativeHistogram histogram = RandomHistogram(random);
    const bool floats = kinds == 1 || (kinds == 2 && random() % 2 == 0);
    values.push_back(floats ? WithFloatCounts(std::move(histogram), random) : std::move(histogram));
  }
  return values;
}

TEST(HistogramChunk, RoundTripsWhateverComes) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 500; ++round) {
    const std::vector<NativeHistogram> values = RandomHistograms(random, 1 + random() % 40);
    const std::vector<int64_t> ts_ms = Regular(values.size());
    std::vector<int64_t> read_ts_ms;
    std::vector<NativeHistogram> read_values;
    ASSERT_TRUE(DecodeChunk(EncodeChunk(ts_ms, values), read_ts_ms, read_values).ok());
    ASSERT_EQ(read_ts_ms, ts_ms);
    ASSERT_EQ(read_values.size(), values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(values[i], read_values[i]) << "round " << round << ", " << i;
    }
  }
}

TEST(HistogramChunk, APartIsMadeOfIt) {
  std::mt19937_64 random(12);
  for (int round = 0; round < 200; ++round) {
    const std::vector<NativeHistogram> values = RandomHistograms(random, 1 + random() % 20);
    const std::vector<int64_t> ts_ms = Regular(values.size());
    const std::string chunk = EncodeChunk(ts_ms, values);
    const auto somewhere = [&] {
      return ts_ms[random() % ts_ms.size()] + static_cast<int64_t>(random() % 3) - 1;
    };
    const int64_t start_ms = somewhere();
    const int64_t end_ms = somewhere();  // may be before the start
    std::vector<int64_t> read_ts_ms = {7};
    std::vector<NativeHistogram> read_values(1);
    ASSERT_TRUE(DecodeChunk(chunk, read_ts_ms, read_values, start_ms, end_ms).ok());
    size_t next = 1;
    for (size_t i = 0; i < values.size(); ++i) {
      if (ts_ms[i] < start_ms || ts_ms[i] > end_ms) continue;
      ASSERT_LT(next, read_values.size());
      ASSERT_EQ(read_ts_ms[next], ts_ms[i]);
      ASSERT_EQ(read_values[next++], values[i]) << "round " << round << ", " << i;
    }
    ASSERT_EQ(read_values.size(), next);
    ASSERT_EQ(read_ts_ms.size(), next);
  }
}

TEST(HistogramChunk, BoundsThatAreNoneAreMalformed) {
  NativeHistogram histogram;
  histogram.schema = model::kCustomBuckets;
  for (const auto& bounds : std::vector<std::vector<double>>{
           {2, 1}, {1, 1}, {std::nan("")}, {1, kInfinity}, {-kInfinity}, {1, std::nan(""), 2}}) {
    histogram.custom_bounds = bounds;
    std::vector<int64_t> ts_ms;
    std::vector<NativeHistogram> values;
    EXPECT_EQ(DecodeChunk(EncodeChunk(Regular(1), {&histogram, 1}), ts_ms, values).code(),
              absl::StatusCode::kDataLoss);
  }
}

// As many as the store takes of one histogram: more than a column has.
TEST(HistogramChunk, ManyBoundsAreReadAsTheyWere) {
  for (const size_t count : {kMaxColumn - 1, kMaxColumn, kMaxColumn + 1, 4 * kMaxColumn}) {
    NativeHistogram histogram;
    histogram.schema = model::kCustomBuckets;
    for (size_t i = 0; i < count; ++i) {
      histogram.custom_bounds.push_back(std::sqrt(static_cast<double>(i)) * 1e3);
    }
    histogram.positive = {{static_cast<int32_t>(count), 1}};
    histogram.count = 1;
    std::vector<int64_t> ts_ms;
    std::vector<NativeHistogram> values;
    ASSERT_TRUE(DecodeChunk(EncodeChunk(Regular(1), {&histogram, 1}), ts_ms, values).ok()) << count;
    ASSERT_EQ(values.size(), 1u);
    EXPECT_EQ(values[0], histogram) << count;
  }
}

TEST(HistogramChunk, KeepsTheSignOfABoundOfZero) {
  NativeHistogram histogram;
  histogram.schema = model::kCustomBuckets;
  std::vector<NativeHistogram> values(2, histogram);
  values[0].custom_bounds = {-0.0, 1};
  values[1].custom_bounds = {0.0, 1};
  std::vector<int64_t> ts_ms;
  std::vector<NativeHistogram> read;
  ASSERT_TRUE(DecodeChunk(EncodeChunk(Regular(2), values), ts_ms, read).ok());
  EXPECT_EQ(read, values);
}

TEST(HistogramChunk, SharedBoundsAreWrittenOnce) {
  NativeHistogram histogram;
  histogram.schema = model::kCustomBuckets;
  for (int i = 0; i < 100; ++i) histogram.custom_bounds.push_back(i + 0.123456789 * i * i);
  const std::vector<NativeHistogram> values(200, histogram);
  EXPECT_LT(EncodeChunk(Regular(200), values).size(), 1'000u);
}

TEST(HistogramChunk, AnUnchangedHistogramCostsAlmostNothing) {
  NativeHistogram histogram;
  for (int32_t i = 0; i < 100; ++i) {
    histogram.positive.push_back({i, 1000u + static_cast<uint64_t>(i)});
  }
  const std::vector<NativeHistogram> values(200, histogram);
  EXPECT_LE(EncodeChunk(Regular(200), values).size(), 100 * 6 + 80);
}

// What sums of whole counts come to is floats, and takes what whole counts do.
TEST(HistogramChunk, FloatsThatAreWholeNumbersTakeNoMore) {
  std::mt19937_64 random(4);
  std::vector<NativeHistogram> whole;
  NativeHistogram histogram;
  for (int32_t i = 0; i < 20; ++i) histogram.positive.push_back({i, 1});
  for (int i = 0; i < 200; ++i) {
    for (auto& bucket : histogram.positive) bucket.count += random() % 9;
    whole.push_back(histogram);
  }
  std::vector<NativeHistogram> floats = whole;
  for (NativeHistogram& value : floats) {
    value.float_counts = true;
    for (auto& bucket : value.positive) {
      bucket.count = model::FloatCount(static_cast<double>(bucket.count));
    }
  }
  // A mode for each column.
  EXPECT_LE(EncodeChunk(Regular(200), floats).size(),
            EncodeChunk(Regular(200), whole).size() + histogram.positive.size() + 2);
}

TEST(Chunk, EveryTruncationIsAnErrorAndNoneCrashes) {
  std::mt19937_64 random(3);
  std::vector<std::string> chunks = {
      EncodeChunk(Regular(5), std::vector<double>{1, 2, 4, 8, 16}),
      EncodeChunk(Regular(5), std::vector<double>{0.1, 2.3, 4.5, 8.7, model::StaleNan()}),
      EncodeChunk(Regular(3),
                  std::vector<NativeHistogram>{RandomHistogram(random), RandomHistogram(random),
                                               RandomHistogram(random)}),
      EncodeChunk(Regular(2),
                  std::vector<NativeHistogram>{RandomHistogram(random),
                                               WithFloatCounts(RandomHistogram(random), random)})};
  for (const std::string& chunk : chunks) {
    for (size_t size = 0; size < chunk.size(); ++size) {
      std::vector<int64_t> ts_ms;
      std::vector<double> floats;
      std::vector<NativeHistogram> histograms;
      const std::string cut = chunk.substr(0, size);
      EXPECT_FALSE(DecodeChunk(cut, ts_ms, floats).ok());
      EXPECT_FALSE(DecodeChunk(cut, ts_ms, histograms).ok());
    }
  }
}

TEST(Chunk, FlippedBitsNeverCrash) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 20'000; ++round) {
    std::string chunk =
        round % 2 ? EncodeChunk(Regular(40), Generate(40, [](size_t i) { return 0.3 * double(i); }))
                  : EncodeChunk(Regular(4), RandomHistograms(random, 4));
    for (size_t flips = 0; flips <= random() % 4; ++flips) {
      char& byte = chunk[random() % chunk.size()];
      byte = static_cast<char>(byte ^ 1 << random() % 8);
    }
    std::vector<int64_t> ts_ms;
    std::vector<double> floats;
    std::vector<NativeHistogram> histograms;
    EXPECT_TRUE(DecodeChunk(chunk, ts_ms, floats).ok() || floats.empty());
    ts_ms.clear();
    EXPECT_TRUE(DecodeChunk(chunk, ts_ms, histograms).ok() || histograms.empty());
  }
}

TEST(Chunk, ANewerVersionIsNotReadAsThisOne) {
  std::string chunk = EncodeChunk(Regular(1), std::vector<double>{1});
  chunk[0] = kChunkVersion + 1;
  EXPECT_EQ(ReadChunkInfo(chunk).status().code(), absl::StatusCode::kUnimplemented);
}

TEST(Chunk, TheOtherKindIsRefused) {
  std::vector<int64_t> ts_ms;
  std::vector<NativeHistogram> histograms;
  EXPECT_EQ(DecodeChunk(EncodeChunk(Regular(1), std::vector<double>{1}), ts_ms, histograms).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leadline::collector::store::codec
