// What all connections of one thread share: limits, memory, counters, and where records go.
//
// Not thread-safe: a shard belongs to one thread, and so do the connections made with it, which it
// must outlive.
#pragma once

#include <string_view>

#include "agent/protocols/base/buffer_pool.h"
#include "agent/protocols/base/counters.h"
#include "agent/protocols/base/exchange.h"
#include "agent/protocols/base/limits.h"
#include "agent/protocols/base/parser.h"
#include "agent/protocols/base/record.h"
#include "agent/protocols/base/text_table.h"

namespace leadline::agent::protocols::base {

class Shard {
 public:
  // `sink` must outlive it.
  Shard(const Limits& limits, RecordSink& sink);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  // Gives the exchange to the sink, as a record.
  void Emit(const ParserSetup& setup, const Exchange& exchange);
  // Counts when there is no room.
  TextRef Intern(Protocol protocol, RecordKind kind, const TextParts& parts);

  const Limits& limits() const { return limits_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }
  BufferPool& buffers() { return buffers_; }
  TextTable& texts() { return texts_; }

 private:
  const Limits limits_;
  RecordSink& sink_;
  Counters counters_;
  BufferPool buffers_;
  TextTable texts_;
};

}  // namespace leadline::agent::protocols::base
