// Both ends of the wire together: everything arrives once and in order, whatever breaks.
#include <bit>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline.h"

namespace leadline::collector::ingest {
namespace {

using testing::IsEmpty;

class Wire : public testing::Test {
 protected:
  Wire() { collector_.Start(); }
  ~Wire() override { EXPECT_THAT(store_.complaints(), IsEmpty()); }

  TestAgent& Agent(uint64_t epoch = 1,
                   const std::function<void(agent::SenderOptions&)>& adjust = {}) {
    agent_ = std::make_unique<TestAgent>(collector_.proxy().port(), epoch, adjust);
    return *agent_;
  }

  // SendOne(1), SendOne(2)... made this.
  std::map<int64_t, Value> FirstSamples(uint64_t count, uint64_t after = 0) {
    std::map<int64_t, Value> samples;
    for (uint64_t i = after + 1; i <= count; ++i) {
      samples[kNowMs + static_cast<int64_t>(i)] = std::bit_cast<uint64_t>(static_cast<double>(i));
    }
    return samples;
  }
  static std::vector<uint64_t> Sequences(uint64_t first, uint64_t last) {
    std::vector<uint64_t> sequences(last - first + 1);
    std::iota(sequences.begin(), sequences.end(), first);
    return sequences;
  }

  FakeStore store_;
  TestCollector collector_{&store_};
  std::unique_ptr<TestAgent> agent_;
};

TEST_F(Wire, EverythingArrivesOnceAndInOrder) {
  TestAgent& agent = Agent();
  for (int i = 1; i <= 100; ++i) agent.SendOne(i);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), FirstSamples(100)}}));
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 100));
  EXPECT_EQ(agent.sender().acknowledged_sequence(), 100);
  EXPECT_EQ(agent.Metric("batches_acknowledged_total"), 100);
  EXPECT_EQ(agent.Metric("buffered_bytes"), 0);
  EXPECT_EQ(collector_.Metric("samples_total"), 100);
}

TEST_F(Wire, ACollectorThatKnowsNoCompressionIsSentNone) {
  collector_.Kill();
  collector_.options.zstd_window_log = 0;
  collector_.Start();
  TestAgent& agent = Agent();
  for (int i = 1; i <= 5; ++i) agent.SendOne(i);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), FirstSamples(5)}}));
  EXPECT_EQ(agent.Metric("sent_bytes_total"), agent.Metric("uncompressed_bytes_total"));
}

TEST_F(Wire, WhatIsLikeTheLastBatchCostsLittle) {
  TestAgent& agent = Agent();
  for (int i = 1; i <= 500; ++i) agent.SendOne(i);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), FirstSamples(500)}}));
  EXPECT_GT(agent.Metric("sent_bytes_total"), 0);
  EXPECT_LT(agent.Metric("sent_bytes_total"), agent.Metric("uncompressed_bytes_total"));
}

TEST_F(Wire, ABatchIsAcknowledgedOnlyWhenItIsDurable) {
  store_.Hold(true);
  TestAgent& agent = Agent();
  for (int i = 1; i <= 3; ++i) agent.SendOne(i);
  store_.AwaitHeld(3);
  EXPECT_EQ(agent.sender().acknowledged_sequence(), 0);
  store_.Commit(2);
  EXPECT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 2; }));
  store_.Commit(1);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
}

TEST_F(Wire, WhatACrashOfTheCollectorLosesComesAgain) {
  store_.Hold(true);
  TestAgent& agent = Agent();
  for (int i = 1; i <= 5; ++i) agent.SendOne(i);
  store_.AwaitHeld(5);
  store_.Commit(2);
  collector_.Kill();
  agent.SendOne(6);
  store_.Hold(false);
  collector_.Start();
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), FirstSamples(6)}}));
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 6));
}

TEST_F(Wire, AnAgentOutlivesManyCrashesOfTheCollector) {
  TestAgent& agent = Agent();
  int64_t value = 0;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 7; ++i) agent.SendOne(++value);
    if (round % 2 == 0) {
      collector_.Kill();
      collector_.Start();
    } else {
      collector_.proxy().Cut();
    }
  }
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), FirstSamples(70)}}));
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 70));
}

TEST_F(Wire, LostAcknowledgementsDoubleNothing) {
  TestAgent& agent = Agent();
  agent.SendOne(1);
  ASSERT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 1; }));
  collector_.proxy().SwallowAnswers(true);
  for (int i = 2; i <= 9; ++i) agent.SendOne(i);
  store_.AwaitCommitted(9);
  EXPECT_EQ(agent.sender().acknowledged_sequence(), 1);
  collector_.proxy().Cut();
  collector_.proxy().SwallowAnswers(false);
  agent.SendOne(10);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 10));
  EXPECT_EQ(collector_.Metric("duplicate_batches_total"), 0);  // the Welcome told where to go on
}

TEST_F(Wire, AFailingStoreEndsTheSessionAndNothingIsLost) {
  store_.FailWith(absl::ResourceExhaustedError("the disk is full"));
  TestAgent& agent = Agent();
  for (int i = 1; i <= 4; ++i) agent.SendOne(i);
  ASSERT_TRUE(Eventually([&] { return collector_.Metric("refusals_total", "store") >= 2; }));
  EXPECT_GE(agent.Metric("refusals_total"), 1);
  EXPECT_EQ(agent.sender().acknowledged_sequence(), 0);
  store_.FailWith(absl::OkStatus());
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 4));
}

TEST_F(Wire, WhatIsDroppedWhileTheStoreFailsDoesNotHoldUpTheRest) {
  store_.FailWith(absl::ResourceExhaustedError("the disk is full"));
  // The window is wider than the buffer, so that some are dropped that the store has refused. The
  // next session begins when the agent stops: one that sends meanwhile keeps what it has sent, and
  // the newest would have to go.
  TestAgent& agent = Agent(1, [](agent::SenderOptions& options) {
    options.max_buffer_bytes = 900;
    options.backoff = {.initial = kPatience, .max = kPatience};
  });
  for (int i = 1; i <= 40; ++i) {
    agent.SendOne(i);
    if (i == 2) {
      ASSERT_TRUE(Eventually([&] { return agent.Metric("refusals_total") >= 1; }));
    }
  }
  EXPECT_EQ(collector_.Metric("refusals_total", "store"), 1);
  EXPECT_GT(agent.Metric("batches_dropped_total", "buffer_full"), 10);
  store_.FailWith(absl::OkStatus());
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.sequences(agent.writer()).back(), 40);
}

TEST_F(Wire, ASessionTakesNoMoreThanItsShareOfASlowStore) {
  store_.Hold(true);
  TestAgent& agent = Agent();
  const uint32_t window = collector_.options.max_batches_in_flight;
  for (uint32_t i = 1; i <= window + 10; ++i) agent.SendOne(i);
  store_.AwaitHeld(window);
  // The agent keeps to the window, so nothing more is on its way.
  EXPECT_EQ(agent.Metric("batches_sent_total"), window);
  store_.Commit(1);
  store_.AwaitHeld(window);
  EXPECT_EQ(store_.held(), window);
  store_.Hold(false);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, window + 10));
}

TEST_F(Wire, WhatDoesNotFitIsDroppedOldestFirstCountedAndDeclared) {
  collector_.Kill();
  TestAgent& agent =
      Agent(1, [](agent::SenderOptions& options) { options.max_buffer_bytes = 900; });
  for (int i = 1; i <= 50; ++i) agent.SendOne(i);
  const auto dropped = static_cast<uint64_t>(agent.Metric("batches_dropped_total", "buffer_full"));
  EXPECT_GT(dropped, 20);
  EXPECT_LT(dropped, 50);
  EXPECT_EQ(agent.Metric("samples_dropped_total", "buffer_full"), dropped);
  EXPECT_LE(agent.Metric("buffered_bytes"), 900);
  collector_.Start();
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  // The definitions were in the first batch, but outlive it.
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), FirstSamples(50, dropped)}}));
  // In the place of the lost there is one empty batch.
  EXPECT_EQ(store_.sequences(agent.writer()).size(), 1 + 50 - dropped);
  EXPECT_EQ(collector_.Metric("lost_batches_total"), dropped);
  EXPECT_EQ(collector_.Metric("lost_samples_total"), dropped);
}

TEST_F(Wire, ACollectorThatLostItsDataGoesOnWithWhatTheAgentStillHas) {
  TestAgent& agent = Agent();
  for (int i = 1; i <= 5; ++i) agent.SendOne(i);
  ASSERT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 5; }));
  collector_.Kill();
  store_.Wipe();
  collector_.Start();
  agent.SendOne(6);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), FirstSamples(6, 5)}}));
  EXPECT_EQ(collector_.Metric("lost_batches_total"), 5);
  EXPECT_EQ(collector_.Metric("lost_samples_total"), 0);
}

TEST_F(Wire, AStopWithoutACollectorEndsInTimeAndCountsWhatIsLost) {
  collector_.Kill();
  TestAgent& agent = Agent();
  for (int i = 1; i <= 3; ++i) agent.SendOne(i);
  EXPECT_EQ(agent.sender().Stop(absl::Milliseconds(50)).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(agent.Metric("batches_dropped_total", "shutdown"), 3);
}

TEST_F(Wire, AStoppingCollectorAcknowledgesWhatIsDurable) {
  TestAgent& agent = Agent();
  for (int i = 1; i <= 3; ++i) agent.SendOne(i);
  store_.AwaitCommitted(3);
  collector_.Stop();
  EXPECT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 3; }));
}

TEST_F(Wire, ARestartedAgentTakesItsOldSessionOver) {
  TestAgent& old = Agent(1);
  old.SendOne(1);
  ASSERT_TRUE(Eventually([&] { return old.sender().acknowledged_sequence() == 1; }));
  TestAgent restarted(collector_.proxy().port(), 2);
  restarted.SendOne(1);
  EXPECT_TRUE(Eventually([&] { return restarted.sender().acknowledged_sequence() == 1; }));
  EXPECT_EQ(collector_.Metric("takeovers_total"), 1);
  // The old one is refused from now on, and what it has is not mixed with the new one's.
  old.SendOne(2);
  EXPECT_TRUE(Eventually([&] { return collector_.Metric("refusals_total", "agent_in_use") >= 1; }));
  EXPECT_EQ(store_.sequences(old.writer()), Sequences(1, 1));
  EXPECT_EQ(store_.sequences(restarted.writer()), Sequences(1, 1));
}

TEST_F(Wire, ASecondAgentWithTheSameIdentityIsRefused) {
  TestAgent& first = Agent(1);
  first.SendOne(1);
  ASSERT_TRUE(Eventually([&] { return first.sender().acknowledged_sequence() == 1; }));
  TestAgent second(collector_.proxy().port(), 1);
  EXPECT_TRUE(Eventually([&] { return second.Metric("refusals_total") >= 2; }));
  EXPECT_FALSE(second.sender().connected());
  EXPECT_TRUE(first.sender().connected());
  first.SendOne(2);
  EXPECT_EQ(first.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.sequences(first.writer()), Sequences(1, 2));
}

TEST_F(Wire, TwoAgentsMayWriteTheSameSeries) {
  TestAgent& first = Agent();
  TestAgent second(collector_.proxy().port(), 1,
                   [](agent::SenderOptions& options) { options.agent_id = HashId({"another"}); });
  second.SkipTo(20);
  for (int i = 1; i <= 20; ++i) {
    first.SendOne(i);
    second.SendOne(20 + i);
  }
  EXPECT_EQ(first.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(second.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), FirstSamples(40)}}));
  EXPECT_EQ(store_.sequences(first.writer()), Sequences(1, 20));
  EXPECT_EQ(store_.sequences(second.writer()), Sequences(1, 20));
}

TEST_F(Wire, AnAgentWhoseOldConnectionHangsTakesItOver) {
  TestAgent& agent = Agent();
  agent.SendOne(1);
  ASSERT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 1; }));
  collector_.proxy().Abandon();
  agent.SendOne(2);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(collector_.Metric("takeovers_total"), 1);
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 2));
}

TEST_F(Wire, ADeadPeerIsNoticed) {
  collector_.Kill();
  collector_.options.keepalive = absl::Milliseconds(200);
  collector_.Start();
  TestAgent& agent = Agent();
  agent.SendOne(1);
  ASSERT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 1; }));
  collector_.proxy().SetTarget(0);
  collector_.proxy().Abandon();
  EXPECT_TRUE(Eventually([&] { return collector_.Metric("sessions") == 0; }));
}

TEST_F(Wire, ABlockedStoreIsNotReadFor) {
  store_.Block(true);
  TestAgent& agent = Agent();
  for (int i = 1; i <= 3; ++i) agent.SendOne(i);
  ASSERT_TRUE(Eventually([&] { return agent.Metric("batches_sent_total") == 3; }));
  ASSERT_TRUE(Eventually([&] { return collector_.Metric("batches_in_flight") == 1; }));
  EXPECT_EQ(collector_.Metric("batches_total"), 1);
  store_.Block(false);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 3));
}

TEST_F(Wire, TheNextSessionWaitsUntilTheStoreHasAnsweredForTheLast) {
  store_.Hold(true);
  TestAgent& agent = Agent();
  agent.SendOne(1);
  agent.SendOne(2);
  store_.AwaitHeld(2);
  collector_.proxy().Cut();
  ASSERT_TRUE(Eventually([&] {
    return agent.Metric("connect_failures_total") > 0 || collector_.Metric("sessions") == 2;
  }));
  EXPECT_EQ(agent.Metric("sessions_total"), 1);
  store_.Hold(false);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 2));
  EXPECT_EQ(collector_.Metric("duplicate_batches_total"), 0);
}

TEST_F(Wire, AnAgentWithACopiedStateIsToldSo) {
  TestAgent& original = Agent(1);
  for (int i = 1; i <= 3; ++i) original.SendOne(i);
  EXPECT_EQ(original.sender().Stop(kPatience), absl::OkStatus());
  TestAgent copy(collector_.proxy().port(), 1);
  copy.SendOne(1);
  EXPECT_TRUE(Eventually([&] { return copy.Metric("refusals_total") >= 1; }));
  EXPECT_EQ(copy.sender().acknowledged_sequence(), 0);
  EXPECT_EQ(store_.sequences(original.writer()), Sequences(1, 3));
}

// A batch that the collector never takes must not hold up the others for ever.
TEST_F(Wire, ABatchThatIsRefusedTwiceIsDroppedAndCounted) {
  TestAgent& agent = Agent();
  agent.SendOne(1);
  ASSERT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 1; }));
  store_.FailWith(absl::InvalidArgumentError("not this one"));
  agent.SendOne(2);
  ASSERT_TRUE(Eventually([&] { return agent.Metric("batches_dropped_total", "refused") == 1; }));
  store_.FailWith(absl::OkStatus());
  agent.SendOne(3);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples().at(CounterName("c1")).size(), 2);
  EXPECT_EQ(collector_.Metric("lost_batches_total"), 1);
  EXPECT_EQ(collector_.Metric("lost_samples_total"), 1);
}

TEST_F(Wire, ASampleFromTheFutureWaitsUntilItsTimeHasCome) {
  TestAgent& agent = Agent();
  agent.SendOne(1);
  ASSERT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 1; }));
  collector_.clock().AdvanceMs(-absl::ToInt64Milliseconds(absl::Minutes(11)));
  agent.SendOne(2);
  ASSERT_TRUE(Eventually([&] { return collector_.Metric("refusals_total", "timestamp") >= 3; }));
  EXPECT_EQ(agent.Metric("batches_dropped_total", "refused"), 0);
  collector_.clock().AdvanceMs(absl::ToInt64Milliseconds(absl::Minutes(11)));
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 2));
}

TEST_F(Wire, SamplesFromBeforeTheAgentsClockWasSetBackHoldNothingUp) {
  ManualClock clock(kNowMs);
  TestAgent& agent = Agent(1, [&](agent::SenderOptions& options) { options.clock = &clock; });
  agent.SendOne(1);
  EXPECT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 1; }));
  constexpr int64_t kDayMs = 86'400'000;
  agent.SkipTo(kDayMs);
  for (int i = 0; i < 3; ++i) agent.SendOne(2);
  EXPECT_TRUE(Eventually([&] { return agent.sender().acknowledged_sequence() == 4; }));
  EXPECT_EQ(agent.Metric("batches_dropped_total", "ahead"), 3);
  EXPECT_EQ(agent.Metric("samples_dropped_total", "ahead"), 3);
  EXPECT_EQ(collector_.Metric("lost_samples_total"), 3);
  // Its time has come.
  clock.AdvanceMs(kDayMs);
  collector_.clock().AdvanceMs(kDayMs);
  agent.SendOne(3);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 5));
  EXPECT_EQ(store_.samples()[CounterName("c1")].size(), 2);
  EXPECT_EQ(agent.Metric("batches_dropped_total", "ahead"), 3);
}

}  // namespace
}  // namespace leadline::collector::ingest
