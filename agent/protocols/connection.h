// One connection on its way from captured chunks to request records: finds the protocol, puts the
// bytes of each direction together, knows what is missing, and feeds the protocol's parser.
//
// Chunks of a direction come in order. One that jumps ahead says that bytes were lost; one that
// lies behind is dropped and counted. Of the two directions either may come first: a response that
// is read before its request waits for it.
//
// Memory: an idle connection holds this object and its parser. Beside that it takes blocks of the
// shard's pool, at most Limits::buffer_bytes a direction, while a message is not whole, and what
// the parser's limits allow. Nothing is allocated for a chunk once the pools are warm.
//
// Not thread-safe. Serves one connection after another: Begin() ... Close().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "agent/protocols/base/parser.h"
#include "agent/protocols/base/shard.h"
#include "agent/protocols/chunk.h"
#include "agent/protocols/detector.h"
#include "agent/protocols/flow_buffer.h"
#include "agent/protocols/parser_pool.h"

namespace leadline::agent::protocols {

class Connection {
 public:
  // Both must outlive it.
  Connection(base::Shard& shard, ParserPool& parsers) : shard_(shard), parsers_(parsers) {}
  ~Connection() { Forget(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Whatever was there is forgotten.
  void Begin(const base::ConnectionInfo& info);
  void Push(const Chunk& chunk);
  // Now and then, by the capture's clock: ends what waits for time to pass.
  void Tick(uint64_t now_ns);
  // Tells what is unfinished.
  void Close(const End& end);

  // May change with every call of the above.
  Want want(base::Direction direction) const {
    if (state_ == State::kOff) return {.what = Want::What::kNothing};
    const Way& way = ways_[static_cast<size_t>(direction)];
    return {.offset = way.next + way.skip};
  }
  base::Protocol protocol() const { return protocol_; }
  // With the parser's, and what is lent by the pool.
  size_t memory_bytes() const;

 private:
  enum class State : uint8_t { kOff, kDetecting, kParsing };

  // A direction.
  struct Way {
    FlowBuffer buffer;
    uint64_t next = 0;       // offset behind all that came
    uint64_t position = 0;   // of the first byte that is not consumed
    uint64_t skip = 0;       // bytes that nobody wants, from there on
    uint64_t before_ns = 0;  // when the byte before came
    bool before_estimated = false;
    uint64_t last_ns = 0;  // when anything did
    uint64_t waiting_since_ns = 0;
    bool started = false;
    bool waiting = false;
    bool begins_chunk = false;  // what was kept while the protocol was not known
    bool begins_turn = false;
    bool is_none = false;  // its first bytes are of no protocol
  };

  // A part of a chunk, or a hole.
  struct Piece {
    std::string_view bytes;
    uint64_t missing = 0;  // behind the bytes
    uint64_t ts_ns = 0;
    base::Loss why = base::Loss::kGapUncaptured;
    bool begins_chunk = false;
    bool begins_turn = false;
  };

  Way& way(base::Flow flow) { return ways_[static_cast<size_t>(DirectionOf(flow))]; }
  base::Direction DirectionOf(base::Flow flow) const {
    return flow == base::Flow::kRequest ? requests_ : base::Other(requests_);
  }
  base::Flow FlowOf(base::Direction direction) const {
    return direction == requests_ ? base::Flow::kRequest : base::Flow::kResponse;
  }

  void DetectIn(base::Direction direction, Piece piece);
  void KeepForDetection(Way& way, const Piece& piece);
  void StartParser(base::Protocol protocol, base::Direction requests);
  void Deliver(base::Direction direction, const Piece& piece);
  void Run(base::Flow flow, Piece piece);
  void RunDatagram(base::Flow flow, const Piece& piece);
  bool Skip(Way& way, Piece& piece);
  bool Fill(base::Flow flow, Piece& piece, size_t& taken);
  void Settle(base::Flow flow, const Piece& piece, bool wait);
  void LoseKept(base::Flow flow, base::Loss loss, uint64_t also_missing, uint64_t ts_ns);
  void StopWaiting(uint64_t now_ns);
  void Redetect(base::Flow flow, const Piece& piece);
  void SwitchOff(base::Loss loss);
  void Forget();
  void Count(base::Loss loss, uint64_t count) { shard_.counters().Add(protocol_, loss, count); }

  base::Shard& shard_;
  ParserPool& parsers_;
  State state_ = State::kOff;
  base::Protocol protocol_ = base::Protocol::kUnknown;
  base::Direction requests_ = base::Direction::kEgress;
  base::Direction last_direction_ = base::Direction::kEgress;
  bool spoken_ = false;  // anything came
  bool whole_ = true;    // nothing is missing so far
  uint8_t looked_at_ = 0;
  base::ConnectionInfo info_;
  Evidence evidence_;
  std::unique_ptr<base::Parser> parser_;
  std::unique_ptr<base::Exchange> unanswered_;  // of the protocol before
  Way ways_[2];
};

}  // namespace leadline::agent::protocols
