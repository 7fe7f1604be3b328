#include "agent/export/backoff.h"

#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

TEST(Backoff, GrowsToItsMostAndBeginsAgain) {
  Backoff backoff({.initial = absl::Seconds(1), .max = absl::Seconds(5), .factor = 2, .jitter = 0},
                  1);
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
  EXPECT_EQ(backoff.Next(), absl::Seconds(2));
  EXPECT_EQ(backoff.Next(), absl::Seconds(4));
  EXPECT_EQ(backoff.Next(), absl::Seconds(5));
  EXPECT_EQ(backoff.Next(), absl::Seconds(5));
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), absl::Seconds(1));
}

TEST(Backoff, JitterShortensByAtMostItsShare) {
  Backoff backoff(
      {.initial = absl::Seconds(1), .max = absl::Seconds(1), .factor = 2, .jitter = 0.3}, 1);
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest = absl::ZeroDuration();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration wait = backoff.Next();
    shortest = std::min(shortest, wait);
    longest = std::max(longest, wait);
  }
  EXPECT_GE(shortest, absl::Milliseconds(700));
  EXPECT_LE(longest, absl::Seconds(1));
  EXPECT_LT(shortest, absl::Milliseconds(720));
  EXPECT_GT(longest, absl::Milliseconds(980));
}

}  // namespace
}  // namespace leadline::agent
