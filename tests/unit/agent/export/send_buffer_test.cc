#include "agent/export/send_buffer.h"

#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

using testing::ElementsAre;

constexpr size_t kRoomy = 1 << 20;
SendBuffer::Wire Wire(size_t size) {
  return std::make_shared<const std::string>(std::string(size, 'w'));
}
const SendBuffer::Wire kWire = Wire(1000);
const spool::Location kLocation{.segment = 1, .offset = 64, .batch_bytes = 1000};

// What one batch counts, and a buffer's limit for three and what was dropped.
size_t OneBatch() {
  SendBuffer buffer(kRoomy, kRoomy);
  buffer.Push(1, 1, kWire);
  return buffer.bytes();
}
size_t RoomForThree() { return OneBatch() * 7 / 2; }

// "sequence(+lost batches/lost samples)" of everything that can be sent.
std::vector<std::string> SendAll(SendBuffer& buffer) {
  std::vector<std::string> sent;
  while (auto next = buffer.Next()) {
    std::string text = std::to_string(next->sequence);
    if (next->lost_batches > 0) {
      text += "+" + std::to_string(next->lost_batches) + "/" + std::to_string(next->lost_samples);
    }
    sent.push_back(text);
  }
  return sent;
}

TEST(SendBuffer, SendsEverythingAgainInEverySession) {
  SendBuffer buffer(kRoomy, kRoomy);
  for (uint64_t i = 1; i <= 3; ++i) buffer.Push(i, 10, kWire);
  EXPECT_THAT(SendAll(buffer), ElementsAre("1", "2", "3"));
  EXPECT_EQ(buffer.in_flight(), 3);
  buffer.Acknowledge(1);
  EXPECT_EQ(buffer.in_flight(), 2);
  buffer.BeginSession(1);
  EXPECT_EQ(buffer.in_flight(), 0);
  EXPECT_THAT(SendAll(buffer), ElementsAre("2", "3"));
  buffer.Acknowledge(3);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.bytes(), 0);
}

TEST(SendBuffer, DeclaresWhatACollectorOfAnEarlierStateLacks) {
  SendBuffer buffer(kRoomy, kRoomy);
  for (uint64_t i = 1; i <= 5; ++i) buffer.Push(i, 10, kWire);
  SendAll(buffer);
  buffer.Acknowledge(3);
  buffer.BeginSession(0);
  EXPECT_THAT(SendAll(buffer), ElementsAre("4+3/0", "5"));
}

TEST(SendBuffer, DropsTheOldestThatIsNotOnItsWay) {
  SendBuffer buffer(RoomForThree(), kRoomy);
  buffer.Push(1, 10, kWire);
  buffer.Push(2, 20, kWire);
  EXPECT_EQ(buffer.Next()->sequence, 1);
  SendBuffer::Dropped dropped;
  for (uint64_t i = 3; i <= 6; ++i) {
    const auto one = buffer.Push(i, 10 * i, kWire);
    dropped.batches += one.batches;
    dropped.samples += one.samples;
  }
  EXPECT_EQ(dropped.batches, 3);
  EXPECT_EQ(dropped.samples, 20 + 30 + 40);
  EXPECT_THAT(SendAll(buffer), ElementsAre("5+3/90", "6"));
  buffer.Acknowledge(6);
  EXPECT_EQ(buffer.bytes(), 0);
}

TEST(SendBuffer, DropsTheNewOneWhenAllOthersAreOnTheirWay) {
  SendBuffer buffer(2 * OneBatch(), kRoomy);
  buffer.Push(1, 10, kWire);
  EXPECT_THAT(SendAll(buffer), ElementsAre("1"));
  EXPECT_EQ(buffer.Push(2, 20, Wire(5000)).samples, 20);
  EXPECT_EQ(buffer.Push(3, 30, Wire(1)).batches, 0);
  EXPECT_THAT(SendAll(buffer), ElementsAre("3+1/20"));
}

TEST(SendBuffer, DropsTheOldestThatWasSentOnceItsSessionIsOver) {
  SendBuffer buffer(RoomForThree(), kRoomy);
  for (uint64_t i = 1; i <= 3; ++i) buffer.Push(i, 10, kWire);
  SendAll(buffer);
  buffer.EndSession();
  for (uint64_t i = 4; i <= 6; ++i) buffer.Push(i, 10, kWire);
  buffer.BeginSession(0);
  EXPECT_THAT(SendAll(buffer), ElementsAre("4+3/30", "5", "6"));
}

TEST(SendBuffer, DroppedBatchesThatArrivedAfterAllAreNotDeclared) {
  SendBuffer buffer(RoomForThree(), kRoomy);
  buffer.Push(1, 10, kWire);
  buffer.Push(2, 10, kWire);
  SendAll(buffer);
  buffer.BeginSession(0);  // the connection broke
  for (uint64_t i = 3; i <= 6; ++i) buffer.Push(i, 10, kWire);
  buffer.Acknowledge(2);  // the collector had them
  buffer.BeginSession(2);
  EXPECT_THAT(SendAll(buffer), ElementsAre("4+1/30", "5", "6"));  // of samples an upper bound
}

TEST(SendBuffer, AnEndlessOutageCostsNoMore) {
  SendBuffer buffer(10 * OneBatch(), kRoomy);
  for (uint64_t i = 1; i <= 100'000; ++i) buffer.Push(i, 1, kWire);
  EXPECT_LE(buffer.bytes(), 10 * OneBatch());
  EXPECT_GE(buffer.batches(), 5);
}

TEST(SendBuffer, DropNextGivesUpTheBatchThatComesNext) {
  SendBuffer buffer(kRoomy, kRoomy);
  for (uint64_t i = 1; i <= 3; ++i) buffer.Push(i, i, kWire);
  EXPECT_EQ(buffer.Next()->sequence, 1);
  EXPECT_EQ(buffer.PeekNext()->sequence, 2);
  EXPECT_EQ(buffer.DropNext().samples, 2);
  EXPECT_THAT(SendAll(buffer), ElementsAre("3+1/2"));
}

TEST(SendBuffer, DropAllTellsWhatIsLeft) {
  SendBuffer buffer(kRoomy, kRoomy);
  for (uint64_t i = 1; i <= 3; ++i) buffer.Push(i, i, kWire);
  buffer.DropNext();
  const auto dropped = buffer.DropAll();
  EXPECT_EQ(dropped.batches, 2);
  EXPECT_EQ(dropped.samples, 5);
  EXPECT_TRUE(buffer.empty());
}

TEST(SendBuffer, WhatIsInTheSpoolLeavesMemoryAndIsReadBack) {
  SendBuffer buffer(RoomForThree(), /*spooled_bytes=*/RoomForThree());
  for (uint64_t i = 1; i <= 10; ++i) {
    EXPECT_EQ(buffer.Push(i, 10, kWire).batches, 0) << i;
    buffer.Spooled(i, kLocation);
  }
  EXPECT_EQ(buffer.batches(), 10);
  EXPECT_LE(buffer.bytes(), RoomForThree());
  auto next = buffer.PeekNext();
  ASSERT_TRUE(next && next->read_from);
  EXPECT_EQ(next->wire_bytes, 1000);
  buffer.Attach(1, kWire);
  EXPECT_FALSE(buffer.PeekNext()->read_from);
  EXPECT_EQ(buffer.Next()->wire, kWire);
  EXPECT_EQ(buffer.Lose(2).samples, 10);
  EXPECT_EQ(buffer.PeekNext()->sequence, 3);
  buffer.Attach(3, kWire);
  EXPECT_EQ(buffer.Next()->lost_samples, 10);
  buffer.Acknowledge(3);
  EXPECT_EQ(buffer.batches(), 7);
  EXPECT_EQ(buffer.DropAll().batches, 0) << "the spool has them";
  EXPECT_EQ(buffer.bytes(), 0);
}

TEST(SendBuffer, WhatLeavesTheSpoolIsLostUnlessItIsInMemory) {
  SendBuffer buffer(kRoomy, /*spooled_bytes=*/RoomForThree());
  for (uint64_t i = 1; i <= 6; ++i) {
    buffer.Push(i, 10, kWire);
    buffer.Spooled(i, kLocation);
  }
  ASSERT_TRUE(buffer.PeekNext()->read_from);
  const size_t in_memory = (buffer.bytes() - 6 * (OneBatch() - 1000)) / 1000;
  const auto dropped = buffer.Unspooled(1, 6);
  EXPECT_EQ(dropped.batches, 6 - in_memory);
  EXPECT_EQ(dropped.samples, 10 * (6 - in_memory));
  EXPECT_EQ(buffer.batches(), in_memory);
  const auto next = buffer.Next();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->lost_batches, dropped.batches);
  EXPECT_EQ(next->lost_samples, dropped.samples);
  EXPECT_EQ(buffer.DropAll().batches, in_memory);
}

TEST(SendBuffer, AReplayReadsAgainForEachSession) {
  SendBuffer buffer(kRoomy, /*spooled_bytes=*/0);
  buffer.PushLost(1, 4, 40);
  for (uint64_t i = 5; i <= 7; ++i) buffer.PushSpooled(i, 10, kLocation);
  for (int session = 0; session < 2; ++session) {
    EXPECT_EQ(buffer.BeginSession(0).batches, 0);
    ASSERT_TRUE(buffer.PeekNext()->read_from) << session;
    buffer.Attach(5, kWire);
    const auto next = buffer.Next();
    EXPECT_EQ(next->lost_batches, 4);
    EXPECT_EQ(next->lost_samples, 40);
  }
  // It is on its way, so it counts when it has to be sent again.
  EXPECT_EQ(buffer.Unspooled(5, 5).batches, 0);
  EXPECT_EQ(buffer.BeginSession(0).batches, 1);
  EXPECT_EQ(buffer.PeekNext()->sequence, 6);
  buffer.Attach(6, kWire);
  EXPECT_EQ(buffer.Next()->lost_samples, 50);
}

// Whatever happens in whatever order: numbers are sent in ascending order, and each number that is
// not sent is declared lost by the one behind it.
TEST(SendBuffer, NumbersNeverGapUndeclared) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    SendBuffer buffer(8 * OneBatch(), seed % 2 == 0 ? 3 * OneBatch() : kRoomy);
    uint64_t pushed = 0;
    uint64_t received = 0;  // by the collector
    for (int step = 0; step < 300; ++step) {
      switch (random() % 10) {
        case 0:
        case 1:
        case 2:
        case 3:
          ++pushed;
          buffer.Push(pushed, 1, kWire);
          break;
        case 4:
        case 5:
          if (const auto peek = buffer.PeekNext(); peek && peek->read_from) {
            if (random() % 4 == 0) {
              buffer.Lose(peek->sequence);
              break;
            }
            buffer.Attach(peek->sequence, kWire);
          }
          if (auto next = buffer.Next()) {
            ASSERT_NE(next->wire, nullptr) << "seed " << seed;
            ASSERT_EQ(next->sequence - next->lost_batches, received + 1) << "seed " << seed;
            received = next->sequence;
          }
          break;
        case 6:
          buffer.Acknowledge(received);
          break;
        case 7:
          buffer.Acknowledge(received);
          buffer.BeginSession(received);
          break;
        case 8:
          if (pushed > 0) buffer.Spooled(1 + random() % pushed, kLocation);
          break;
        case 9:
          if (pushed > 20) buffer.Unspooled(1, pushed - 10);
          break;
      }
      ASSERT_LE(buffer.in_flight(), buffer.batches());
    }
    buffer.Acknowledge(pushed);
    EXPECT_EQ(buffer.bytes(), 0) << "seed " << seed;
    EXPECT_EQ(buffer.in_flight(), 0) << "seed " << seed;
  }
}

}  // namespace
}  // namespace leadline::agent
