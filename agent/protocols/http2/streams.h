// The streams of a connection that are open: a request and its response each.
//
// Bounded by whoever opens them. References hold until a stream is opened or closed. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/protocols/base/exchange.h"

namespace leadline::agent::protocols::http2 {

struct Stream {
  // Whether it is an RPC by gRPC, as far as header fields say so.
  enum class Grpc : uint8_t { kUnknown, kYes, kNo };

  base::Exchange exchange;
  base::TextRef rpc;         // the path as a method's, while it may be one
  uint64_t touched_ns = 0;   // when anything of the response came last or was lost, or given_up
  uint16_t http_status = 0;  // 0: not known
  uint16_t rpc_status = 0;
  Grpc grpc = Grpc::kUnknown;
  bool has_rpc_status = false;
  bool has_request = false;          // its head came; before that a response is held back
  bool request_incomplete = false;   // not all fields of its head are known
  bool has_body = false;             // the request has
  bool body_is_rpc = false;          // it looks like it
  bool response_lost = false;        // a part of the responses' flow was, since it was opened
  bool response_incomplete = false;  // not all fields of its head and trailers are known
  bool has_trailers = false;         // the response has
  bool ends_with_body = false;       // the response did: it has none
  bool given_up = false;             // by the client; a response may be under way
};

class StreamTable {
 public:
  size_t size() const { return order_.size(); }
  // By number, the least first. REQUIRES: i < size()
  uint32_t id(size_t i) const { return order_[i].id; }
  Stream& operator[](size_t i) { return slots_[order_[i].slot]; }

  // Where it is, or would be.
  size_t PlaceOf(uint32_t id) const;
  Stream* Find(uint32_t id);
  // REQUIRES: it is not open
  Stream& Open(uint32_t id);
  void Close(size_t i);
  // As Close() of all; keeps memory for a few.
  void Clear();

  size_t memory_bytes() const;

 private:
  struct Entry {
    uint32_t id;
    uint32_t slot;
  };
  std::vector<Entry> order_;  // by id: new ones come last, nearly always
  std::vector<Stream> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace leadline::agent::protocols::http2
