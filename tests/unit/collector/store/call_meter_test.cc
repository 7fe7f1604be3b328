#include "collector/store/call_meter.h"

#include <atomic>

#include <gtest/gtest.h>

#include "common/clock.h"

namespace leadline::collector::store {
namespace {

class Bound final : public MemoryBound {
 public:
  explicit Bound(uint64_t limit) : limit_(limit) {}
  absl::Status Take(uint64_t bytes) override {
    if (held_ + bytes > limit_) return absl::ResourceExhaustedError("too much");
    held_ += bytes;
    return absl::OkStatus();
  }
  void GiveBack(uint64_t bytes) override { held_ -= bytes; }
  uint64_t held() const { return held_; }

 private:
  const uint64_t limit_;
  uint64_t held_ = 0;
};

TEST(CallMeter, TakesMemoryBeforeItIsHeldAndGivesItBack) {
  Bound bound(100'000);
  {
    CallMeter meter({.memory = &bound});
    uint64_t held = 0;
    while (true) {
      const absl::Status status = meter.Step(1000);
      if (!status.ok()) {
        EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
        break;
      }
      held += 1000;
      ASSERT_GE(bound.held(), held);
      ASSERT_LT(bound.held(), held + CallMeter::kLumpBytes);
    }
    EXPECT_GT(held, 100'000 - CallMeter::kLumpBytes - 1000);
    meter.GiveBack(50'000);  // there is room again, without asking
    EXPECT_TRUE(meter.Step(50'000).ok());
  }
  EXPECT_EQ(bound.held(), 0u);
}

TEST(CallMeter, WhatTheAnswerTakesStaysTaken) {
  Bound bound(1'000'000);
  {
    CallMeter meter({.memory = &bound});
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(meter.Step(1000).ok());
    meter.GiveBack(100'000);
    meter.Keep();
  }
  EXPECT_EQ(bound.held(), 200'000u);
}

TEST(CallMeter, LooksAtOnceAndThenEverySoManySteps) {
  std::atomic<bool> cancelled = true;
  EXPECT_TRUE(absl::IsCancelled(CallMeter({.cancelled = &cancelled}).Step()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(CallMeter({.deadline = absl::InfinitePast()}).Step()));
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(CallMeter({.deadline = SteadyNow() - absl::Nanoseconds(1)}).Step()));
  EXPECT_TRUE(CallMeter({.deadline = SteadyNow() + absl::Hours(1)}).Step().ok());
  cancelled = false;
  CallMeter meter({.deadline = absl::InfiniteFuture(), .cancelled = &cancelled});
  EXPECT_TRUE(meter.Step().ok());
  cancelled = true;
  uint32_t steps = 1;
  while (meter.Step().ok()) ++steps;
  EXPECT_EQ(steps, CallMeter::kSteps);
}

}  // namespace
}  // namespace leadline::collector::store
