#include "agent/requests/tracker.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent::requests {
namespace {

using protocols::base::Direction;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kRequest[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kResponse[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr uint64_t kSecond = 1'000'000'000;

class KeptWants final : public Wants {
 public:
  void From(uint32_t place, uint32_t serial, Direction direction, uint64_t offset) override {
    told_.push_back(std::to_string(place) + "/" + std::to_string(serial) +
                    (direction == Direction::kEgress ? " egress " : " ingress ") +
                    std::to_string(offset));
  }
  void Nothing(uint32_t place, uint32_t serial) override {
    told_.push_back(std::to_string(place) + "/" + std::to_string(serial) + " nothing");
  }
  std::vector<std::string> Take() { return std::exchange(told_, {}); }

 private:
  std::vector<std::string> told_;
};

class TrackerTest : public testing::Test {
 protected:
  static CapturedConnection At(uint32_t place, uint32_t serial = 1, uint64_t cgroup = 7) {
    return {.place = place, .serial = serial, .cgroup_id = cgroup, .local_port = 80};
  }

  // Each a microsecond after the one before.
  void Call(const CapturedConnection& connection, Direction direction, std::string_view bytes,
            uint64_t uncaptured = 0, uint64_t skipped = 0) {
    uint64_t& offset = offsets_[connection.place][static_cast<size_t>(direction)];
    tracker_.OnCall(connection, {.direction = direction,
                                 .ts_ns = now_ns_ += 1000,
                                 .offset = offset,
                                 .skipped = skipped,
                                 .bytes = bytes,
                                 .uncaptured = uncaptured});
    offset += skipped + bytes.size() + uncaptured;
  }
  void Receive(const CapturedConnection& connection, std::string_view bytes) {
    Call(connection, Direction::kIngress, bytes);
  }
  void Send(const CapturedConnection& connection, std::string_view bytes, uint64_t uncaptured = 0) {
    Call(connection, Direction::kEgress, bytes, uncaptured);
  }
  void End(const CapturedConnection& connection) {
    auto& offsets = offsets_[connection.place];
    tracker_.OnEnd(connection, {.ts_ns = now_ns_ += 1000, .offset = {offsets[0], offsets[1]}});
    offsets[0] = offsets[1] = 0;
  }

  // "cgroup target status error: requests"
  std::vector<std::string> Rows() {
    std::vector<std::string> texts;
    rows_.Read([&](const RequestCounters& row) {
      uint64_t count = 0;
      for (const HistogramBucket& bucket : row.buckets) count += bucket.count;
      texts.push_back(std::to_string(row.cgroup_id) + " " + std::string(row.key.target) + " " +
                      std::string(row.key.status) + " " + std::string(row.key.error) + ": " +
                      std::to_string(count));
    });
    std::sort(texts.begin(), texts.end());
    return texts;
  }

  KeptWants wants_;
  RequestRows rows_{{}};
  Tracker tracker_{{.places = 8, .connections = 3}, rows_, wants_};
  uint64_t offsets_[8][2] = {};
  uint64_t now_ns_ = kSecond;
};

TEST_F(TrackerTest, RequestsBelongToTheConnectionsCgroup) {
  for (int i = 0; i < 3; ++i) {
    Receive(At(0, 1, 7), kRequest);
    Receive(At(1, 1, 8), kRequest);
    Send(At(1, 1, 8), kResponse);
    Send(At(0, 1, 7), kResponse);
  }
  EXPECT_THAT(Rows(), ElementsAre("7 /a 200 : 3", "8 /a 200 : 3"));
  EXPECT_EQ(tracker_.connections(), 2u);
  EXPECT_THAT(wants_.Take(), IsEmpty());
  End(At(0));
  End(At(1));
  EXPECT_EQ(tracker_.connections(), 0u);
}

TEST_F(TrackerTest, TheKernelIsToldWhereABodyEnds) {
  const CapturedConnection connection = At(3, 5);
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
  Receive(connection, kRequest);
  Send(connection, head + std::string(500, 'x'), 500);
  EXPECT_THAT(wants_.Take(), ElementsAre("3/5 egress " + std::to_string(head.size() + 5000)));
  Call(connection, Direction::kEgress, "", 0, 3000);
  EXPECT_THAT(wants_.Take(), IsEmpty()) << "it was told already";
  EXPECT_THAT(Rows(), IsEmpty());
  // The rest, and the next response in the same call.
  Receive(connection, kRequest);
  Call(connection, Direction::kEgress, kResponse, 0, 1000);
  EXPECT_THAT(Rows(), ElementsAre("7 /a 200 : 2"));
  End(connection);
}

TEST_F(TrackerTest, WhatSpeaksNoKnownProtocolIsSwitchedOff) {
  const CapturedConnection connection = At(2, 9);
  Receive(connection, std::string(40, '\x01'));
  Send(connection, std::string(40, '\x02'));
  EXPECT_THAT(wants_.Take(), ElementsAre("2/9 nothing"));
  EXPECT_EQ(tracker_.connections(), 0u);
  // What the kernel sent before it knew.
  Receive(connection, kRequest);
  EXPECT_EQ(tracker_.connections(), 0u);
  EXPECT_THAT(wants_.Take(), IsEmpty());
  // The next connection at that place counts.
  offsets_[2][0] = offsets_[2][1] = 0;
  Receive(At(2, 10), kRequest);
  Send(At(2, 10), kResponse);
  EXPECT_THAT(Rows(), ElementsAre("7 /a 200 : 1"));
}

TEST_F(TrackerTest, AConnectionWhoseEndWasLostMakesRoomForTheNext) {
  Receive(At(0, 1), kRequest);
  offsets_[0][0] = offsets_[0][1] = 0;
  Receive(At(0, 2), kRequest);
  Send(At(0, 2), kResponse);
  EXPECT_EQ(tracker_.connections(), 1u);
  EXPECT_THAT(Rows(), ElementsAre("7 /a 200 : 1"))
      << "the first one's response may be lost as well";
  End(At(0, 1));  // late: not this one's
  EXPECT_EQ(tracker_.connections(), 1u);
}

TEST_F(TrackerTest, TooManyConnectionsAreRefusedAndCounted) {
  for (uint32_t place = 0; place < 5; ++place) Receive(At(place), kRequest);
  EXPECT_EQ(tracker_.connections(), 3u);
  EXPECT_EQ(tracker_.refused(), 2u);
  EXPECT_THAT(wants_.Take(), ElementsAre("3/1 nothing", "4/1 nothing"));
}

TEST_F(TrackerTest, WhatIsSilentAndUnknownIsGivenUp) {
  Receive(At(0), "GE");  // may become a request
  Receive(At(1), kRequest);
  tracker_.Tick(now_ns_ + 59 * kSecond);
  EXPECT_EQ(tracker_.connections(), 2u);
  tracker_.Tick(now_ns_ + 61 * kSecond);
  EXPECT_EQ(tracker_.connections(), 1u);
  EXPECT_THAT(wants_.Take(), ElementsAre("0/1 nothing"));
}

TEST_F(TrackerTest, PlacesThatAreNotThereAreIgnored) {
  tracker_.OnCall(At(8), {.bytes = kRequest});
  tracker_.OnEnd(At(8), {});
  EXPECT_EQ(tracker_.connections(), 0u);
}

}  // namespace
}  // namespace leadline::agent::requests
