// A connection whose bytes come as a test says, each chunk a nanosecond after the one before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <gtest/gtest.h>

#include "agent/protocols/connection.h"

namespace leadline::agent::protocols {

// `Sink`: what the records go to.
template <typename Sink>
class ConnectionFixture : public testing::Test {
 protected:
  explicit ConnectionFixture(const base::Limits& limits) : limits_(limits) {}

  void Begin(uint64_t id = 1) {
    connection_.Begin({.id = id, .remote_port = 80});
    offsets_[0] = offsets_[1] = 0;
  }
  void Send(std::string_view bytes, uint64_t uncaptured = 0) {
    Push(base::Direction::kEgress, bytes, uncaptured);
  }
  void Receive(std::string_view bytes, uint64_t uncaptured = 0) {
    Push(base::Direction::kIngress, bytes, uncaptured);
  }
  void Push(base::Direction direction, std::string_view bytes, uint64_t uncaptured) {
    uint64_t& offset = offsets_[static_cast<size_t>(direction)];
    connection_.Push({.direction = direction,
                      .offset = offset,
                      .ts_ns = ++now_ns_,
                      .bytes = bytes,
                      .uncaptured = uncaptured});
    offset += bytes.size() + uncaptured;
  }

  Sink sink_;
  base::Limits limits_;
  base::Shard shard_{limits_, sink_};
  ParserPool parsers_;
  Connection connection_{shard_, parsers_};
  uint64_t offsets_[2] = {};
  uint64_t now_ns_ = 0;
};

}  // namespace leadline::agent::protocols
