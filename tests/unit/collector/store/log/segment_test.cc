#include "collector/store/log/segment.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::store::log {
namespace {

constexpr uint64_t kNumber = 7;

struct Segment {
  std::string bytes;
  std::vector<size_t> ends;  // of the header and of each frame
};

Segment Make(const std::vector<std::string>& payloads) {
  Segment segment;
  AppendSegmentHeader(kNumber, segment.bytes);
  segment.ends.push_back(segment.bytes.size());
  for (const std::string& payload : payloads) {
    AppendFrame(kNumber, payload, segment.bytes);
    segment.ends.push_back(segment.bytes.size());
  }
  return segment;
}

struct Reading {
  absl::StatusOr<SegmentEnd> end;
  std::vector<std::string> payloads;
};

Reading Read(std::string_view bytes, bool is_last, uint64_t number = kNumber) {
  Reading reading;
  reading.end =
      ReadSegment(bytes, "dir/x.log", number, is_last, [&](std::string_view payload, uint64_t) {
        reading.payloads.emplace_back(payload);
        return absl::OkStatus();
      });
  return reading;
}

const std::vector<std::string> kPayloads = {"first", "", std::string(300, 'x'), "last LLfr"};

TEST(Segment, GivesFramesInOrder) {
  const Reading reading = Read(Make(kPayloads).bytes, /*is_last=*/false);
  ASSERT_TRUE(reading.end.ok()) << reading.end.status();
  EXPECT_EQ(reading.payloads, kPayloads);
  EXPECT_EQ(reading.end->torn_bytes, 0u);
}

TEST(Segment, ATornEndIsCutAtEveryOffset) {
  const Segment segment = Make(kPayloads);
  for (size_t size = 0; size <= segment.bytes.size(); ++size) {
    const Reading reading = Read(segment.bytes.substr(0, size), /*is_last=*/true);
    ASSERT_TRUE(reading.end.ok()) << size << ": " << reading.end.status();
    size_t whole = 0;
    while (whole < segment.ends.size() && segment.ends[whole] <= size) ++whole;
    const size_t good = whole == 0 ? 0 : segment.ends[whole - 1];
    EXPECT_EQ(reading.end->good_bytes, good) << size;
    EXPECT_EQ(reading.end->torn_bytes, size - good) << size;
    EXPECT_EQ(reading.payloads.size(), whole == 0 ? 0 : whole - 1) << size;
  }
}

TEST(Segment, ATornEndOfZerosOrGarbageIsCut) {
  const Segment segment = Make({"a", "b"});
  for (const std::string& tail : {std::string(4096, '\0'), std::string("LLfr garbage LLfr")}) {
    const Reading reading = Read(segment.bytes + tail, /*is_last=*/true);
    ASSERT_TRUE(reading.end.ok()) << reading.end.status();
    EXPECT_EQ(reading.end->torn_bytes, tail.size());
    EXPECT_EQ(reading.payloads.size(), 2u);
  }
}

TEST(Segment, OnlyTheLastSegmentMayBeTorn) {
  const Segment segment = Make(kPayloads);
  const Reading reading = Read(segment.bytes.substr(0, segment.bytes.size() - 1), false);
  EXPECT_EQ(reading.end.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(reading.payloads.size(), kPayloads.size() - 1);
}

TEST(Segment, DamageBeforeAGoodFrameIsDataLossAtEveryByte) {
  const Segment segment = Make(kPayloads);
  for (size_t at = 0; at < segment.ends[kPayloads.size() - 1]; ++at) {
    std::string damaged = segment.bytes;
    damaged[at] ^= 0x20;
    const Reading reading = Read(damaged, /*is_last=*/true);
    // A flipped version byte may look like a newer version, everything else is damage.
    ASSERT_FALSE(reading.end.ok()) << at;
    if (absl::IsUnimplemented(reading.end.status())) {
      EXPECT_LT(at, kSegmentHeaderBytes);
      continue;
    }
    ASSERT_EQ(reading.end.status().code(), absl::StatusCode::kDataLoss) << at;
    size_t before = 0;  // frames that end before the damage
    while (before + 1 < segment.ends.size() && segment.ends[before + 1] <= at) ++before;
    EXPECT_EQ(reading.payloads.size(), at < kSegmentHeaderBytes ? 0 : before) << at;
    const size_t offset = at < kSegmentHeaderBytes ? 0 : segment.ends[before];
    EXPECT_THAT(std::string(reading.end.status().message()),
                testing::HasSubstr("dir/x.log, offset " + std::to_string(offset)));
  }
}

TEST(Segment, FramesOfAnotherSegmentAreNotTaken) {
  const Segment segment = Make({"a"});
  std::string other;
  AppendFrame(kNumber + 1, "stale", other);
  const Reading reading = Read(segment.bytes + other, /*is_last=*/true);
  ASSERT_TRUE(reading.end.ok());
  EXPECT_EQ(reading.payloads, std::vector<std::string>{"a"});
  EXPECT_EQ(Read(segment.bytes, false, kNumber + 1).end.status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(Segment, PassesOnTheVisitorsError) {
  const auto end =
      ReadSegment(Make({"a", "b"}).bytes, "p", kNumber, true,
                  [](std::string_view, uint64_t) { return absl::AbortedError("stop"); });
  EXPECT_EQ(end.status().code(), absl::StatusCode::kAborted);
}

TEST(SegmentName, RoundTripsAndRefusesOtherNames) {
  EXPECT_EQ(SegmentNumber(SegmentName(1)), 1u);
  EXPECT_EQ(SegmentNumber(SegmentName(~uint64_t{0})), ~uint64_t{0});
  for (const char* name : {"", "x", "0000000000000000001.log", "00000000000000000001.lo",
                           "0000000000000000000x.log", "99999999999999999999.log"}) {
    EXPECT_EQ(SegmentNumber(name), 0u) << name;
  }
}

}  // namespace
}  // namespace leadline::collector::store::log
