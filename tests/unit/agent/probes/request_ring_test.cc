#include "agent/probes/request_ring.h"

#include <cstring>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leadline::agent::probes {
namespace {

using protocols::base::Direction;

std::string Record(const request_record& head, std::string_view bytes) {
  std::string record(reinterpret_cast<const char*>(&head), sizeof(head));
  return record += bytes;
}

request_record Head() {
  return {.ts_mono_ns = 12,
          .offset = {100, 200},
          .cgroup = 34,
          .place = 5,
          .serial = 6,
          .skipped = 7,
          .uncaptured = 8,
          .captured = 4,
          .local_port = 80,
          .remote_port = 0,
          .kind = REQUEST_CHUNK,
          .direction = REQUEST_INGRESS,
          .flags = REQUEST_JOINED_LATE,
          .shift = 3,
          .pad = {}};
}

TEST(DecodeRequestRecord, TakesACall) {
  const std::string record = Record(Head(), "GET ");
  DecodedRequest decoded;
  ASSERT_TRUE(DecodeRequestRecord(record.data(), record.size(), decoded));
  EXPECT_FALSE(decoded.is_end);
  EXPECT_EQ(decoded.connection.place, 5u);
  EXPECT_EQ(decoded.connection.serial, 6u);
  EXPECT_EQ(decoded.connection.cgroup_id, 34u);
  EXPECT_EQ(decoded.connection.local_port, 80u);
  EXPECT_TRUE(decoded.connection.joined_late);
  EXPECT_EQ(decoded.call.direction, Direction::kIngress);
  EXPECT_EQ(decoded.call.ts_ns, 12u);
  EXPECT_EQ(decoded.call.offset, 200u);
  EXPECT_EQ(decoded.call.skipped, 7u);
  EXPECT_EQ(decoded.call.bytes, "GET ");
  EXPECT_EQ(decoded.call.uncaptured, 8u);
  EXPECT_EQ(decoded.call.weight, 8u);
}

TEST(DecodeRequestRecord, TakesAnEnd) {
  request_record head = Head();
  head.kind = REQUEST_END;
  DecodedRequest decoded;
  ASSERT_TRUE(DecodeRequestRecord(&head, sizeof(head), decoded));
  EXPECT_TRUE(decoded.is_end);
  EXPECT_EQ(decoded.end.ts_ns, 12u);
  EXPECT_EQ(decoded.end.offset[0], 100u);
  EXPECT_EQ(decoded.end.offset[1], 200u);
}

TEST(DecodeRequestRecord, RefusesWhatIsShortOrUnknown) {
  const std::string record = Record(Head(), "GET ");
  DecodedRequest decoded;
  for (size_t size = 0; size < record.size(); ++size) {
    EXPECT_FALSE(DecodeRequestRecord(record.data(), size, decoded)) << size;
  }
  request_record head = Head();
  head.kind = 9;
  EXPECT_FALSE(DecodeRequestRecord(Record(head, "GET ").data(), record.size(), decoded));
  head = Head();
  head.direction = REQUEST_DIRECTIONS;
  EXPECT_FALSE(DecodeRequestRecord(Record(head, "GET ").data(), record.size(), decoded));
  head = Head();
  head.shift = REQUEST_SHIFT_MAX + 1;
  EXPECT_FALSE(DecodeRequestRecord(Record(head, "GET ").data(), record.size(), decoded));
}

TEST(RequestRing, HasANameForEachLoss) {
  const auto names = RequestRing::LossNames();
  // Of the rows of protocols that there may be only those that there are, and TLS.
  EXPECT_EQ(names.size(),
            REQUEST_LOSS_COUNT - REQUEST_LOSS_RING_FULL_END + protocols::base::kProtocols + 1);
  EXPECT_EQ(names.front(), "request_ring_full_unknown");
}

}  // namespace
}  // namespace leadline::agent::probes
