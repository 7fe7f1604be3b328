#include "kube/backoff.h"

#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace leadline::kube {
namespace {

TEST(Backoff, GrowsToItsLimitWithJitter) {
  Backoff backoff({.initial_ms = 100, .max_ms = 1000, .factor = 3}, 1);
  for (const int64_t bound : {100, 300, 900, 1000, 1000}) {
    const int64_t ms = backoff.NextMs();
    EXPECT_GE(ms, bound / 2);
    EXPECT_LE(ms, bound);
  }
  backoff.Reset();
  EXPECT_LE(backoff.NextMs(), 100);
}

TEST(Backoff, DiffersByItsSeed) {
  std::set<int64_t> pauses;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    pauses.insert(Backoff({.initial_ms = 100'000}, seed).NextMs());
  }
  EXPECT_GT(pauses.size(), 15u);
}

TEST(RealPauser, WaitsUntilItIsStopped) {
  RealPauser pauser;
  EXPECT_TRUE(pauser.Wait(1));
  std::thread stopper([&] { pauser.Stop(); });
  EXPECT_FALSE(pauser.Wait(1'000'000'000));
  stopper.join();
  EXPECT_FALSE(pauser.Wait(1'000'000'000));
}

}  // namespace
}  // namespace leadline::kube
