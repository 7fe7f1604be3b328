// What parsing may take: the one place of its limits.
#pragma once

#include <cstdint>

namespace leadline::agent::protocols::base {

struct Limits {
  // Of a flow: the beginning of a message that is not whole yet.
  uint32_t buffer_bytes = 16 << 10;
  // Of all flows of a shard together.
  uint64_t pool_bytes = 32 << 20;
  // Chunks looked at for a known protocol before a connection is left alone.
  uint32_t detect_chunks = 8;
  // Requests that wait for their responses on one connection.
  uint32_t pending = 1024;
  // Requests open at once on a connection that numbers them (HTTP/2's streams, DNS' ids).
  uint32_t streams = 256;
  // HTTP/2's header fields: what is remembered of earlier ones (HPACK's dynamic table), and one
  // block of them.
  uint32_t header_table_bytes = 64 << 10;
  uint32_t header_block_bytes = 64 << 10;
  // Prepared statements, and portals, remembered of a connection.
  uint32_t statements = 256;
  // Different routes and queries in use or lately used, of a shard; and the longest one.
  uint32_t texts = 4096;
  uint32_t text_bytes = 1024;
  // Places in a row at which a connection was not the protocol that it was taken for.
  uint32_t failures = 8;
  // A response that was read before its request: how long it is kept.
  uint64_t wait_ns = 100'000'000;
  // A response whose end was not captured has ended when nothing has come for so long.
  uint64_t open_end_ns = 1'000'000'000;
  // A request in a datagram that nobody answered.
  uint64_t answer_ns = 10'000'000'000;
};

}  // namespace leadline::agent::protocols::base
