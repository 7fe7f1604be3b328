#include "collector/promql/govern/query_gate.h"

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "common/clock.h"

namespace leadline::collector::promql::govern {
namespace {

const absl::Time kNever = absl::InfiniteFuture();

TEST(QueryGateTest, RefusesWhomItHasNoPlaceFor) {
  QueryGate gate(1, 0);
  auto first = gate.Enter("t", kNever, nullptr);
  ASSERT_TRUE(first.ok());
  const absl::Status refused = gate.Enter("t", kNever, nullptr).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  EXPECT_TRUE(gate.Enter("another", kNever, nullptr).ok()) << "each tenant has its own places";
  { const QueryGate::Turn ended = *std::move(first); }
  EXPECT_TRUE(gate.Enter("t", kNever, nullptr).ok());
}

TEST(QueryGateTest, WaitsUntilTheDeadlineOrUntilNobodyWaits) {
  QueryGate gate(1, 1);
  const auto first = gate.Enter("t", kNever, nullptr);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(gate.Enter("t", SteadyNow() + absl::Milliseconds(20), nullptr).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  const std::atomic<bool> cancelled = true;
  EXPECT_EQ(gate.Enter("t", kNever, &cancelled).status().code(), absl::StatusCode::kCancelled);
}

TEST(QueryGateTest, GivesTheTurnOn) {
  QueryGate gate(2, 8);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        const auto turn = gate.Enter("t", kNever, nullptr);
        ASSERT_TRUE(turn.ok()) << turn.status();
        const int now = ++running;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        std::this_thread::yield();
        --running;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 2);
  EXPECT_GE(most, 1);
}

}  // namespace
}  // namespace leadline::collector::promql::govern
