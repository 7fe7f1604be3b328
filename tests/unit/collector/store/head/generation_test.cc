#include "collector/store/head/generation.h"

#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <type_traits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::store::head {
namespace {

using model::NativeHistogram;
using testing::ElementsAre;

constexpr int64_t kMidnight = 1'700'006'400'000;

chunk::MergedSamples Read(const Generation& generation, uint32_t slot, int64_t start_ms = INT64_MIN,
                          int64_t end_ms = INT64_MAX) {
  std::vector<chunk::Piece> pieces;
  generation.Collect(slot, start_ms, end_ms, pieces);
  chunk::ReadBudget budget = chunk::ReadBudget::Unlimited();
  auto merged = chunk::MergePieces(pieces, {start_ms, end_ms}, budget);
  EXPECT_TRUE(merged.ok()) << merged.status();
  return *std::move(merged);
}

Appended AppendOne(Generation& generation, uint32_t slot, int64_t ts_ms, double value) {
  Generation::Frame frame{.ts_ms = ts_ms};
  return generation.Append(frame, slot, value);
}

TEST(Generation, SaysWhatBecameOfASample) {
  Generation generation;
  EXPECT_TRUE(generation.empty());
  EXPECT_EQ(AppendOne(generation, 0, 10, 1), Appended::kNew);
  EXPECT_EQ(AppendOne(generation, 0, 10, 1), Appended::kDuplicate);
  EXPECT_EQ(AppendOne(generation, 0, 10, 2), Appended::kReplaced);
  EXPECT_EQ(AppendOne(generation, 0, 10, 1), Appended::kReplaced);
  EXPECT_EQ(AppendOne(generation, 0, 10, 1), Appended::kDuplicate);
  EXPECT_EQ(AppendOne(generation, 0, 5, 2), Appended::kNew);
  EXPECT_EQ(AppendOne(generation, 0, 20, model::StaleNan()), Appended::kNew);
  EXPECT_EQ(AppendOne(generation, 3, 20, model::StaleNan()), Appended::kNew);
  EXPECT_EQ(AppendOne(generation, 3, 20, model::StaleNan()), Appended::kDuplicate);
  EXPECT_EQ(AppendOne(generation, 3, 30, 0.0), Appended::kNew);
  EXPECT_EQ(AppendOne(generation, 3, 30, -0.0), Appended::kReplaced);
  EXPECT_THAT(Read(generation, 0).floats.ts_ms, ElementsAre(5, 10, 20));
  EXPECT_EQ(Read(generation, 0).floats.values[1], 1);
  EXPECT_TRUE(std::signbit(Read(generation, 3).floats.values[1]));
  EXPECT_FALSE(generation.Has(1));
  EXPECT_EQ(generation.end_slot(), 4u);
}

TEST(Generation, KnowsWhetherItHasSamplesInARange) {
  Generation generation;
  for (int64_t ts = 100; ts < 1000; ts += 10) AppendOne(generation, 7, ts, 1);
  EXPECT_TRUE(generation.HasSamplesIn(7, 990, 2000));
  EXPECT_FALSE(generation.HasSamplesIn(7, 991, 2000));
  EXPECT_FALSE(generation.HasSamplesIn(7, 0, 99));
  EXPECT_FALSE(generation.HasSamplesIn(8, 0, 2000));
  AppendOne(generation, 7, 50, 1);
  EXPECT_TRUE(generation.HasSamplesIn(7, 0, 99));
}

TEST(Generation, ReadsARange) {
  Generation generation;
  for (int64_t i = 0; i < 500; ++i) AppendOne(generation, 0, kMidnight + i * 10, double(i / 100));
  EXPECT_THAT(Read(generation, 0, kMidnight + 995, kMidnight + 1010).floats.ts_ms,
              ElementsAre(kMidnight + 1000, kMidnight + 1010));
  EXPECT_THAT(Read(generation, 0, kMidnight + 995, kMidnight + 1010).floats.values,
              ElementsAre(1, 1));
}

double RandomValue(std::mt19937_64& random, double before) {
  switch (random() % 8) {
    case 0:
      return std::bit_cast<double>(random());  // anything, NaNs too
    case 1:
      return static_cast<double>(static_cast<int64_t>(random()) >> (random() % 60));
    case 2:
      return static_cast<double>(random() % 1000) / 1000;
    case 3:
      return before + static_cast<double>(random() % 70) - 35;
    case 4:
      return random() % 2 ? 9007199254740992.0 : -9007199254740992.0;
    case 5:
      return std::vector<double>{0.0, -0.0, std::numeric_limits<double>::infinity(),
                                 model::StaleNan()}[random() % 4];
    default:
      return before;
  }
}

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

// Parts of what was appended are what a map has of them, wherever they begin and end.
template <typename Value, typename Same>
void ExpectParts(const Generation& generation, uint32_t slot, std::mt19937_64& random,
                 const std::map<int64_t, Value>& expected, Same same) {
  if (expected.empty()) return;
  const auto somewhere = [&] {
    auto at = expected.begin();
    std::advance(at, static_cast<ptrdiff_t>(random() % expected.size()));
    return at->first + static_cast<int64_t>(random() % 3) - 1;
  };
  for (int i = 0; i < 20; ++i) {
    const int64_t start_ms = somewhere();
    const int64_t end_ms = i % 2 == 0 ? INT64_MAX : somewhere();
    const chunk::MergedSamples got = Read(generation, slot, start_ms, end_ms);
    const auto& samples = [&]() -> const chunk::Samples<Value>& {
      if constexpr (std::is_same_v<Value, double>) {
        return got.floats;
      } else {
        return got.histograms;
      }
    }();
    size_t next = 0;
    for (auto at = expected.lower_bound(start_ms); at != expected.end() && at->first <= end_ms;
         ++at) {
      ASSERT_LT(next, samples.size());
      ASSERT_EQ(samples.ts_ms[next], at->first);
      ASSERT_TRUE(same(samples.values[next++], at->second)) << at->first;
    }
    ASSERT_EQ(next, samples.size());
  }
}

// Frames of many series, some of which stay away now and then or for long, come late, come twice,
// or go by another clock; what is read is what a map has.
TEST(Generation, IsAMapWhateverComes) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 30; ++round) {
    constexpr uint32_t kSeries = 12;
    Generation generation;
    std::map<uint32_t, std::map<int64_t, double>> expected;
    std::vector<double> last(kSeries);
    int64_t now = kMidnight + static_cast<int64_t>(random() % 1000);
    const uint64_t whims = 1 + random() % 30;
    const int frames = round % 5 == 0 ? 2000 : 400;
    for (int i = 0; i < frames; ++i) {
      now += 1 + static_cast<int64_t>(random() % 20'000);
      if (random() % 100 == 0) now += int64_t{1} << 32;
      Generation::Frame frame{.ts_ms = now};
      if (random() % 10 == 0) frame.ts_ms -= static_cast<int64_t>(random() % 60'000);
      for (uint32_t slot = 0; slot < kSeries; ++slot) {
        if (slot % 3 == 1 && i % 2 == 0) continue;
        if (slot > 8 && (i / 100) % 2 == 1) continue;
        if (random() % whims == 1) continue;
        last[slot] = RandomValue(random, last[slot]);
        const auto known = expected[slot].find(frame.ts_ms);
        const Appended appended = generation.Append(frame, slot, last[slot]);
        if (known == expected[slot].end()) {
          ASSERT_EQ(appended, Appended::kNew);
        }
        expected[slot][frame.ts_ms] = last[slot];
      }
    }
    for (uint32_t slot = 0; slot < kSeries; ++slot) {
      const chunk::Floats got = Read(generation, slot).floats;
      ASSERT_EQ(got.size(), expected[slot].size()) << "round " << round << ", slot " << slot;
      size_t at = 0;
      for (const auto& [ts_ms, value] : expected[slot]) {
        ASSERT_EQ(got.ts_ms[at], ts_ms);
        ASSERT_TRUE(SameBits(got.values[at++], value)) << "round " << round << ", slot " << slot;
      }
      ExpectParts(generation, slot, random, expected[slot], SameBits);
    }
  }
}

// Of the same counts, as floats.
NativeHistogram AsFloats(NativeHistogram value) {
  const auto as_float = [](uint64_t& count) {
    count = model::FloatCount(static_cast<double>(count));
  };
  as_float(value.zero_count);
  as_float(value.count);
  for (auto* buckets : {&value.positive, &value.negative}) {
    for (auto& bucket : *buckets) as_float(bucket.count);
  }
  value.float_counts = true;
  return value;
}

NativeHistogram RandomFloats(std::mt19937_64& random, NativeHistogram value) {
  const auto grow = [&random](uint64_t& count) {
    const double now = std::bit_cast<double>(count);
    const double values[] = {
        now, now + static_cast<double>(random() % 100), static_cast<double>(random() % 100) / 7,
        0.5, std::numeric_limits<double>::infinity(),   std::numeric_limits<double>::quiet_NaN()};
    count = model::FloatCount(values[random() % 6]);
  };
  grow(value.zero_count);
  grow(value.count);
  for (auto* buckets : {&value.positive, &value.negative}) {
    for (auto& bucket : *buckets) grow(bucket.count);
  }
  value.sum = random() % 9 == 0 ? -value.sum : value.sum + 0.1;
  return value;
}

NativeHistogram RandomHistogram(std::mt19937_64& random, NativeHistogram value) {
  if (model::IsStaleNan(value.sum)) value.sum = 0;
  if (value.float_counts) {
    if (random() % 8 != 0) return RandomFloats(random, value);
    value = {};
  }
  if (random() % 16 == 0) return AsFloats(value);
  switch (random() % 8) {
    case 0:
      value = {};
      value.sum = model::StaleNan();
      return value;
    case 1:
      value.schema = static_cast<int32_t>(random() % 13) - 4;
      value.positive.clear();
      for (int32_t i = 0; i < static_cast<int32_t>(random() % 40); ++i) {
        value.positive.push_back({i * 3, 1 + random() % 10});
      }
      return value;
    case 2:
      value.zero_threshold = 1e-10;
      value.negative = {{-5, 1 + (random() >> (random() % 64))}};
      return value;
    case 3:
      value.count += random() % 100;  // as of observations that are NaN
      return value;
    case 4:
      return value;
    default:
      for (auto& bucket : value.positive) bucket.count += random() % 3;
      value.zero_count += random() % 5;
      value.count += random() % 5;
      value.sum += static_cast<double>(random() % 1000) / 7;
      return value;
  }
}

bool SameHistogram(const NativeHistogram& a, const NativeHistogram& b) {
  return a == b || (model::IsStaleNan(a.sum) && model::IsStaleNan(b.sum));
}

TEST(Generation, KeepsHistograms) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 20; ++round) {
    Generation generation;
    NativeHistogram value;
    std::map<int64_t, NativeHistogram> expected;
    int64_t now = kMidnight;
    for (int i = 0; i < 900; ++i) {
      now += 10'000;
      Generation::Frame frame{.ts_ms = random() % 20 == 0 ? now - 25'000 : now};
      value = RandomHistogram(random, value);
      generation.Append(frame, 5, value);
      expected[frame.ts_ms] = value;
      generation.Append(frame, 6, double(i));
    }
    const chunk::Histograms got = Read(generation, 5).histograms;
    ASSERT_EQ(got.size(), expected.size());
    size_t at = 0;
    for (const auto& [ts_ms, histogram] : expected) {
      ASSERT_EQ(got.ts_ms[at], ts_ms);
      ASSERT_TRUE(SameHistogram(got.values[at], histogram)) << at;
      ++at;
    }
    ExpectParts(generation, 5, random, expected, SameHistogram);
  }
}

// An hour of a container's series every ten seconds.
TEST(Generation, TakesLittleMemory) {
  Generation generation;
  constexpr uint32_t kSeries = 1500;
  for (int64_t i = 0; i < 360; ++i) {
    Generation::Frame frame{.ts_ms = kMidnight + i * 10'000 + i % 7};
    for (uint32_t slot = 0; slot < kSeries; ++slot) {
      const double value = slot % 2 == 0 ? 1e9 : static_cast<double>(i * 500 + slot * 13 % 50);
      generation.Append(frame, slot, value);
    }
  }
  // A constant is a token for each 64 samples; a counter that grows by hundreds, 3 bytes a sample
  // and a checkpoint.
  EXPECT_LT(generation.bytes() / kSeries, (88 + 80 + 360 * 3 * 11 / 10) / 2);
}

TEST(Generation, AFirstSampleTakesLittle) {
  Generation generation;
  constexpr uint32_t kSeries = 20'000;
  Generation::Frame frame{.ts_ms = kMidnight};
  for (uint32_t slot = 0; slot < kSeries; ++slot) generation.Append(frame, slot, slot % 1000);
  EXPECT_LE(generation.first_bytes(), kSeries * 40);
  // Where they are, and what the vector of that keeps in reserve.
  EXPECT_LT(generation.bytes(), kSeries * (40 + 4) * 3 / 2);
}

}  // namespace
}  // namespace leadline::collector::store::head
