#include "collector/store/log/segment.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::store::log {
namespace {

constexpr uint64_t kNumber = 7;
constexpr uint64_t kPrevious = 4711;
constexpr uint32_t kRun = 5;

struct Segment {
  std::string bytes;
  std::vector<size_t> ends;  // of the header and of each frame
};

Segment Make(const std::vector<std::string>& payloads) {
  Segment segment;
  AppendSegmentHeader(kNumber, kPrevious, segment.bytes);
  segment.ends.push_back(segment.bytes.size());
  for (const std::string& payload : payloads) {
    AppendFrame({kNumber, kRun}, payload, segment.bytes);
    segment.ends.push_back(segment.bytes.size());
  }
  return segment;
}

struct Reading {
  absl::StatusOr<SegmentEnd> end;
  std::vector<std::string> payloads;
  std::vector<uint32_t> runs;
};

Reading Read(std::string_view bytes, bool is_last, uint64_t number = kNumber) {
  Reading reading;
  reading.end = ReadSegment(bytes, "dir/x.log", number, is_last, [&](const Frame& frame) {
    reading.payloads.emplace_back(frame.payload);
    reading.runs.push_back(frame.run);
    return absl::OkStatus();
  });
  return reading;
}

const std::vector<std::string> kPayloads = {"first", "", std::string(300, 'x'), "last LLfr"};

TEST(Segment, GivesFramesInOrder) {
  const Reading reading = Read(Make(kPayloads).bytes, /*is_last=*/false);
  ASSERT_TRUE(reading.end.ok()) << reading.end.status();
  EXPECT_EQ(reading.payloads, kPayloads);
  EXPECT_EQ(reading.runs, std::vector<uint32_t>(kPayloads.size(), kRun));
  EXPECT_EQ(reading.end->torn_bytes, 0u);
  EXPECT_EQ(reading.end->previous_bytes, kPrevious);
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
  ASSERT_TRUE(reading.end.ok()) << reading.end.status();
  EXPECT_EQ(reading.end->damage.size(), 1u);
  EXPECT_EQ(reading.payloads.size(), kPayloads.size() - 1);
}

TEST(Segment, WhatFollowsDamageIsReadWhereverItIs) {
  const Segment segment = Make(kPayloads);
  for (size_t at = 0; at < segment.ends[kPayloads.size() - 1]; ++at) {
    std::string damaged = segment.bytes;
    damaged[at] ^= 0x20;
    const Reading reading = Read(damaged, /*is_last=*/true);
    // A flipped version byte may look like a newer version, everything else is damage.
    if (absl::IsUnimplemented(reading.end.status())) {
      EXPECT_LT(at, kSegmentHeaderBytes);
      continue;
    }
    ASSERT_TRUE(reading.end.ok()) << at << reading.end.status();
    ASSERT_EQ(reading.end->damage.size(), 1u) << at;
    EXPECT_EQ(reading.end->damage[0].code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(reading.end->torn_bytes, 0u) << at;
    size_t hit = 0;  // the frame with the damage
    while (hit < kPayloads.size() && segment.ends[hit + 1] <= at) ++hit;
    const bool in_header = at < kSegmentHeaderBytes;
    std::vector<std::string> left = kPayloads;
    if (!in_header) left.erase(left.begin() + static_cast<std::ptrdiff_t>(hit));
    EXPECT_EQ(reading.payloads, left) << at;
    EXPECT_EQ(reading.end->salvaged_frames, in_header ? left.size() : left.size() - hit) << at;
    EXPECT_THAT(std::string(reading.end->damage[0].message()),
                testing::HasSubstr("dir/x.log, offset " +
                                   std::to_string(in_header ? 0 : segment.ends[hit])));
  }
}

TEST(Segment, EachDamagedPlaceIsSaid) {
  const Segment segment = Make(kPayloads);
  std::string damaged = segment.bytes;
  damaged[segment.ends[0]] ^= 1;
  damaged[segment.ends[2]] ^= 1;
  const Reading reading = Read(damaged + "torn", /*is_last=*/true);
  ASSERT_TRUE(reading.end.ok()) << reading.end.status();
  EXPECT_EQ(reading.end->damage.size(), 2u);
  EXPECT_EQ(reading.end->salvaged_frames, 2u);
  EXPECT_EQ(reading.end->torn_bytes, 4u);
  EXPECT_EQ(reading.payloads, (std::vector<std::string>{kPayloads[1], kPayloads[3]}));
}

TEST(Segment, SaysWhichFramesAreBehindDamage) {
  const Segment segment = Make({"a", "b", "c"});
  std::string damaged = segment.bytes;
  damaged[segment.ends[2] - 1] ^= 1;
  std::vector<bool> behind;
  ASSERT_TRUE(ReadSegment(damaged, "p", kNumber, true, [&](const Frame& frame) {
                behind.push_back(frame.behind_damage);
                return absl::OkStatus();
              }).ok());
  EXPECT_THAT(behind, testing::ElementsAre(false, true));
}

TEST(Segment, WhatTheVisitorFindsDamagedIsDamage) {
  size_t visited = 0;
  const auto end =
      ReadSegment(Make({"a", "b", "c"}).bytes, "p", kNumber, true, [&](const Frame& f) {
        ++visited;
        return f.payload == "b" ? absl::DataLossError("no record") : absl::OkStatus();
      });
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(visited, 3u);
  ASSERT_EQ(end->damage.size(), 1u);
  EXPECT_EQ(end->salvaged_frames, 1u);
  EXPECT_THAT(std::string(end->damage[0].message()), testing::HasSubstr("no record"));
}

TEST(Segment, FramesOfAnotherSegmentAreNotTaken) {
  const Segment segment = Make({"a"});
  std::string other;
  AppendFrame({kNumber + 1, kRun}, "stale", other);
  const Reading reading = Read(segment.bytes + other, /*is_last=*/true);
  ASSERT_TRUE(reading.end.ok());
  EXPECT_EQ(reading.payloads, std::vector<std::string>{"a"});
  EXPECT_EQ(Read(segment.bytes, false, kNumber + 1).end->damage.size(), 1u);
}

TEST(Segment, PassesOnTheVisitorsError) {
  const auto end = ReadSegment(Make({"a", "b"}).bytes, "p", kNumber, true,
                               [](const Frame&) { return absl::AbortedError("stop"); });
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
