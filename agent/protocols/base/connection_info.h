// What is known of a connection from outside: who speaks, which way, and since when it is watched.
#pragma once

#include <cstdint>

namespace leadline::agent::protocols::base {

// As the owner of the socket sees it.
enum class Direction : uint8_t { kEgress, kIngress };

// As the protocol sees it.
enum class Flow : uint8_t { kRequest, kResponse };

// Which end the socket's owner is. Numbers are in recordings.
enum class Side : uint8_t { kClient, kServer };

enum class Transport : uint8_t { kTcp, kUdp };

constexpr Direction Other(Direction direction) {
  return direction == Direction::kEgress ? Direction::kIngress : Direction::kEgress;
}
constexpr Flow Other(Flow flow) {
  return flow == Flow::kRequest ? Flow::kResponse : Flow::kRequest;
}

struct ConnectionInfo {
  uint64_t id = 0;  // the caller's; comes back in each record
  Transport transport = Transport::kTcp;
  // It was there before it was watched: offsets count from the first byte that was seen.
  bool joined_late = false;
  uint16_t local_port = 0;
  uint16_t remote_port = 0;
};

}  // namespace leadline::agent::protocols::base
