#include "agent/export/send_buffer.h"

#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

using testing::ElementsAre;

constexpr size_t kRoomy = 1 << 20;
const std::string kWire(1000, 'w');

// What one batch counts, and a buffer's limit for three and what was dropped.
size_t OneBatch() {
  SendBuffer buffer(kRoomy);
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
  SendBuffer buffer(kRoomy);
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
  SendBuffer buffer(kRoomy);
  for (uint64_t i = 1; i <= 5; ++i) buffer.Push(i, 10, kWire);
  SendAll(buffer);
  buffer.Acknowledge(3);
  buffer.BeginSession(0);
  EXPECT_THAT(SendAll(buffer), ElementsAre("4+3/0", "5"));
}

TEST(SendBuffer, DropsTheOldestThatIsNotOnItsWay) {
  SendBuffer buffer(RoomForThree());
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
  SendBuffer buffer(2 * OneBatch());
  buffer.Push(1, 10, kWire);
  EXPECT_THAT(SendAll(buffer), ElementsAre("1"));
  EXPECT_EQ(buffer.Push(2, 20, std::string(5000, 'w')).samples, 20);
  EXPECT_EQ(buffer.Push(3, 30, "w").batches, 0);
  EXPECT_THAT(SendAll(buffer), ElementsAre("3+1/20"));
}

TEST(SendBuffer, DroppedBatchesThatArrivedAfterAllAreNotDeclared) {
  SendBuffer buffer(RoomForThree());
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
  SendBuffer buffer(10 * OneBatch());
  for (uint64_t i = 1; i <= 100'000; ++i) buffer.Push(i, 1, kWire);
  EXPECT_LE(buffer.bytes(), 10 * OneBatch());
  EXPECT_GE(buffer.batches(), 5);
}

TEST(SendBuffer, DropNextGivesUpTheBatchThatComesNext) {
  SendBuffer buffer(kRoomy);
  for (uint64_t i = 1; i <= 3; ++i) buffer.Push(i, i, kWire);
  EXPECT_EQ(buffer.Next()->sequence, 1);
  EXPECT_EQ(buffer.PeekNext()->sequence, 2);
  EXPECT_EQ(buffer.DropNext().samples, 2);
  EXPECT_THAT(SendAll(buffer), ElementsAre("3+1/2"));
}

TEST(SendBuffer, DropAllTellsWhatIsLeft) {
  SendBuffer buffer(kRoomy);
  for (uint64_t i = 1; i <= 3; ++i) buffer.Push(i, i, kWire);
  buffer.DropNext();
  const auto dropped = buffer.DropAll();
  EXPECT_EQ(dropped.batches, 2);
  EXPECT_EQ(dropped.samples, 5);
  EXPECT_TRUE(buffer.empty());
}

// Whatever happens in whatever order: numbers are sent in ascending order, and each number that is
// not sent is declared lost by the one behind it.
TEST(SendBuffer, NumbersNeverGapUndeclared) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    SendBuffer buffer(8 * OneBatch());
    uint64_t pushed = 0;
    uint64_t received = 0;  // by the collector
    for (int step = 0; step < 300; ++step) {
      switch (random() % 8) {
        case 0:
        case 1:
        case 2:
        case 3:
          ++pushed;
          buffer.Push(pushed, 1, kWire);
          break;
        case 4:
        case 5:
          if (auto next = buffer.Next()) {
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
