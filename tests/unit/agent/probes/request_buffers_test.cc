#include "agent/probes/request_buffers.h"

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent::probes {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint32_t kCpus = 3;
constexpr uint32_t kRing = 1024;

// Writes as the kernel does.
class RequestBuffersTest : public testing::Test {
 protected:
  request_buffer& Buffer(uint32_t cpu) {
    return *reinterpret_cast<request_buffer*>(memory_.data() +
                                              cpu * RequestBuffers::BytesOf(kRing));
  }

  // False when there is no room.
  bool Tell(uint32_t cpu, uint64_t ts_ns, std::string_view bytes = "") {
    request_buffer& buffer = Buffer(cpu);
    const size_t size = (sizeof(request_record) + bytes.size() + 7) / 8 * 8;
    if (buffer.head + size - buffer.tail > kRing) return false;
    std::byte* to = reinterpret_cast<std::byte*>(&buffer + 1) + buffer.head % kRing;
    const request_record record = {.ts_mono_ns = ts_ns,
                                   .place = cpu,
                                   .captured = static_cast<uint16_t>(bytes.size()),
                                   .kind = REQUEST_CHUNK};
    std::memcpy(to, &record, sizeof record);
    std::memcpy(to + sizeof record, bytes.data(), bytes.size());
    buffer.head += size;
    return true;
  }

  void End(uint64_t ts_ns) { buffers_.AddEnd({.ts_mono_ns = ts_ns, .kind = REQUEST_END}); }

  // "time bytes", or "time end", of what is handed out.
  std::vector<std::string> Read(uint64_t until_ns = UINT64_MAX, size_t most = 1000) {
    std::vector<std::string> told;
    all_ = buffers_.Read(until_ns, most, [&](const void* data, size_t size) {
      const auto* record = static_cast<const request_record*>(data);
      ASSERT_EQ(size, sizeof(*record) + record->captured);
      std::string text = std::to_string(record->ts_mono_ns);
      if (record->kind == REQUEST_END) text += " end";
      if (record->captured > 0) {
        text += " " + std::string(reinterpret_cast<const char*>(record + 1), record->captured);
      }
      told.push_back(text);
    });
    return told;
  }

  std::vector<std::byte> memory_ = std::vector<std::byte>(kCpus * RequestBuffers::BytesOf(kRing));
  RequestBuffers buffers_{memory_.data(), kCpus, kRing};
  bool all_ = false;
};

TEST_F(RequestBuffersTest, GivesWhatAllCpusToldInTheOrderOfTime) {
  Tell(1, 10, "a");
  Tell(0, 20, "b");
  Tell(0, 30, "c");
  Tell(2, 25, "d");
  Tell(1, 40, "e");
  Tell(2, 50, "f");
  EXPECT_THAT(Read(), ElementsAre("10 a", "20 b", "25 d", "30 c", "40 e", "50 f"));
  EXPECT_TRUE(all_);
  EXPECT_THAT(Read(), IsEmpty());
}

TEST_F(RequestBuffersTest, LeavesWhatIsNotOldEnough) {
  Tell(0, 10);
  Tell(1, 20);
  Tell(0, 30);
  End(15);
  End(40);
  EXPECT_THAT(Read(20), ElementsAre("10", "15 end"));
  EXPECT_TRUE(all_);
  // What came late and is older than what was left goes first all the same.
  Tell(2, 18);
  EXPECT_THAT(Read(31), ElementsAre("18", "20", "30"));
  EXPECT_THAT(Read(), ElementsAre("40 end"));
}

TEST_F(RequestBuffersTest, EndsComeInTheirTurnHoweverTheyWereAdded) {
  End(35);
  Tell(0, 10);
  Tell(1, 30);
  End(20);
  EXPECT_THAT(Read(), ElementsAre("10", "20 end", "30", "35 end"));
}

TEST_F(RequestBuffersTest, GivesAsManyAsAreAskedFor) {
  for (uint64_t i = 1; i <= 6; ++i) Tell(i % 2, i);
  End(3);
  EXPECT_THAT(Read(UINT64_MAX, 4), ElementsAre("1", "2", "3", "3 end"));
  EXPECT_FALSE(all_);
  EXPECT_THAT(Read(UINT64_MAX, 4), ElementsAre("4", "5", "6"));
  EXPECT_TRUE(all_);
}

TEST_F(RequestBuffersTest, RecordsAreInOnePieceWhereTheRingEnds) {
  uint64_t ts_ns = 0;
  std::vector<std::string> want;
  for (int round = 0; round < 50; ++round) {
    want.clear();
    for (size_t size : {300, 7, 0, 129}) {
      const std::string bytes(size, static_cast<char>('a' + round % 26));
      ASSERT_TRUE(Tell(0, ++ts_ns, bytes)) << round;
      want.push_back(std::to_string(ts_ns) + (size > 0 ? " " : "") + bytes);
    }
    EXPECT_EQ(Read(), want) << round;
    EXPECT_EQ(Buffer(0).tail, Buffer(0).head) << "there is room again";
  }
  EXPECT_EQ(buffers_.malformed(), 0u);
}

TEST_F(RequestBuffersTest, AsksToBeCalledAgainWhileMuchIsLeft) {
  while (Tell(1, 20, std::string(100, 'x'))) {
  }
  Tell(0, 10);
  EXPECT_THAT(Read(15), ElementsAre("10"));
  EXPECT_FALSE(all_) << "the kernel says only once that a ring fills";
  EXPECT_FALSE(Read().empty());
  EXPECT_TRUE(all_);
}

TEST_F(RequestBuffersTest, WhatIsNoRecordIsCountedAndLeftBehind) {
  Tell(0, 10);
  Tell(1, 20, "b");
  // Says that it goes on behind what was written.
  reinterpret_cast<request_record*>(&Buffer(0) + 1)->captured = 500;
  EXPECT_THAT(Read(), ElementsAre("20 b"));
  EXPECT_EQ(buffers_.malformed(), 1u);
  Tell(0, 30, "c");
  EXPECT_THAT(Read(), ElementsAre("30 c"));
}

TEST_F(RequestBuffersTest, ReadsOnWhereAnotherHasStopped) {
  Tell(0, 10);
  EXPECT_THAT(Read(), ElementsAre("10"));
  Tell(0, 20);
  RequestBuffers next(memory_.data(), kCpus, kRing);
  std::vector<uint64_t> told;
  next.Read(UINT64_MAX, 10, [&](const void* data, size_t) {
    told.push_back(static_cast<const request_record*>(data)->ts_mono_ns);
  });
  EXPECT_THAT(told, ElementsAre(20));
}

}  // namespace
}  // namespace leadline::agent::probes
