#include "agent/probes/latency_layout.h"

#include <limits>
#include <random>

#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>

namespace leadline::agent::probes {
namespace {

// Without expression templates, which hold on to temporaries.
using WholeNumber = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<>,
                                                  boost::multiprecision::et_off>;

// latency_ns <= 2^(index * 2^-schema) seconds, in whole numbers: both sides to the power 2^schema.
bool AtMostBound(uint64_t latency_ns, int32_t index, int schema) {
  const unsigned power = 1U << schema;
  WholeNumber left = pow(WholeNumber(latency_ns), power);
  WholeNumber right = pow(WholeNumber(1'000'000'000), power);
  if (index < 0) {
    left <<= -index;
  } else {
    right <<= index;
  }
  return left <= right;
}

uint32_t OracleBucket(const LatencyLayout& layout, uint64_t latency_ns) {
  uint32_t bucket = 0;
  while (
      bucket < layout.bucket_count() - 1 &&
      !AtMostBound(latency_ns, layout.first_index + static_cast<int32_t>(bucket), layout.schema)) {
    ++bucket;
  }
  return bucket;
}

class LatencyLayoutTest : public testing::TestWithParam<int> {
 protected:
  const LatencyLayout layout_ = MakeLatencyLayout(GetParam());
};

TEST_P(LatencyLayoutTest, BoundsAreTheLargestWholeNanosecondsOfTheirBuckets) {
  ASSERT_EQ(layout_.bucket_count(), LatencyBucketCount(GetParam()));
  for (uint32_t bucket = 0; bucket < layout_.bounds_ns.size(); ++bucket) {
    const int32_t index = layout_.first_index + static_cast<int32_t>(bucket);
    EXPECT_TRUE(AtMostBound(layout_.bounds_ns[bucket], index, GetParam())) << "index " << index;
    EXPECT_FALSE(AtMostBound(layout_.bounds_ns[bucket] + 1, index, GetParam())) << index;
  }
  EXPECT_EQ(layout_.first_index, -24 * (1 << GetParam()));
  EXPECT_EQ(layout_.bounds_ns.back(), 64'000'000'000u);
}

TEST_P(LatencyLayoutTest, FindsTheBucketAroundEveryBoundAndEveryPowerOfTwo) {
  std::vector<uint64_t> values(layout_.bounds_ns.begin(), layout_.bounds_ns.end());
  for (int bit = 0; bit < 64; ++bit) values.push_back(uint64_t{1} << bit);
  for (const uint64_t value : values) {
    for (const uint64_t near : {value - 1, value, value + 1}) {
      EXPECT_EQ(LatencyBucket(layout_, near), OracleBucket(layout_, near)) << near << " ns";
    }
  }
}

TEST_P(LatencyLayoutTest, FindsTheBucketOfLatenciesOfAllSizes) {
  std::mt19937_64 random(20150603);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t latency_ns = random() >> (random() % 64);
    ASSERT_EQ(LatencyBucket(layout_, latency_ns), OracleBucket(layout_, latency_ns))
        << latency_ns << " ns";
  }
}

TEST_P(LatencyLayoutTest, WhatIsOutsideTheRangeGoesIntoTheEndBuckets) {
  EXPECT_EQ(LatencyBucket(layout_, 0), 0u);
  EXPECT_EQ(LatencyBucket(layout_, 64'000'000'000), layout_.bucket_count() - 2);
  EXPECT_EQ(LatencyBucket(layout_, 64'000'000'001), layout_.bucket_count() - 1);
  EXPECT_EQ(LatencyBucket(layout_, std::numeric_limits<uint64_t>::max()),
            layout_.bucket_count() - 1);
}

INSTANTIATE_TEST_SUITE_P(Schemas, LatencyLayoutTest, testing::Range(0, kLatencySchemaMax + 1));

}  // namespace
}  // namespace leadline::agent::probes
