// What a protocol's parser is: it gets the two flows of one connection and tells exchanges to its
// shard.
//
// Contract:
// - Parse() sees each byte once it is next in its flow. What it does not consume comes again, with
// more behind it, up
//   to Limits::buffer_bytes; so a parser consumes what it can and never needs more than a message's
//   beginning at once. It takes time linear in its input, and holds memory bounded by Limits.
// - A hole (Input::missing) that the parser does not skip over is told by Gap(). From then on it
// may say nothing that
//   the hole makes uncertain: a record is right, marked as partial, or not there.
// - Never a crash: any bytes may come.
//
// Not thread-safe. A parser serves one connection after another: Begin() ... End().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "agent/protocols/base/connection_info.h"
#include "agent/protocols/base/exchange.h"
#include "agent/protocols/base/input.h"
#include "agent/protocols/base/protocol.h"

namespace leadline::agent::protocols::base {

class Shard;

struct ParserSetup {
  Shard* shard = nullptr;
  Protocol protocol = Protocol::kUnknown;
  Side side = Side::kClient;  // of the socket's owner
  ConnectionInfo info;
  // The first bytes that come are the first that the protocol sent.
  bool from_start = true;
};

// The end of a connection, by flow.
struct Ending {
  uint64_t ts_ns = 0;
  uint64_t offset[2] = {};   // bytes that came
  uint64_t last_ns[2] = {};  // when the last one did; 0 for none
  bool cut[2] = {};          // the last ones were lost
  // Nothing is missing at the end of either flow.
  bool whole = false;
};

class Parser {
 public:
  virtual ~Parser() = default;

  virtual void Begin(const ParserSetup& setup) = 0;
  // After Begin(): a request of the protocol before, whose response is one of this protocol's.
  // False when there is no such thing.
  virtual bool Adopt(Exchange /*exchange*/) { return false; }
  virtual Verdict Parse(Flow flow, const Input& input) = 0;
  // `bytes` of the flow are missing after what was consumed, the last of them not later than
  // `ts_ns`; what was left unconsumed is gone too.
  virtual void Gap(Flow flow, uint64_t bytes, uint64_t ts_ns) = 0;
  // After kRedetect: a request whose response comes in the protocol that follows.
  virtual std::unique_ptr<Exchange> TakeUnanswered() { return nullptr; }
  // Now and then: what waits for time to pass.
  virtual void Tick(uint64_t now_ns) = 0;
  // Tells what is unfinished.
  virtual void Close(const Ending& ending) = 0;
  // Forgets the connection, without a word; keeps memory for the next.
  virtual void End() = 0;

  // What it holds beside itself.
  virtual size_t memory_bytes() const = 0;
};

}  // namespace leadline::agent::protocols::base
