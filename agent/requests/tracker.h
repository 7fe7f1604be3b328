// From calls that sent or received, as the kernel captured them, to rows of requests: keeps an
// agent/protocols connection for each connection that is captured, and tells the kernel what of
// each is wanted.
//
// A connection is known by its place in the kernel's table and the serial number of those that have
// had it. At most Limits::connections are followed at once; further ones are given up, which is
// counted. One whose protocol is not known and that says nothing any more is given up after
// Limits::silence_ns.
//
// Times are nanoseconds of the capture's clock. Not thread-safe. What is passed to the constructor
// must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/protocols/base/limits.h"
#include "agent/protocols/base/shard.h"
#include "agent/protocols/connection.h"
#include "agent/protocols/parser_pool.h"
#include "agent/requests/request_rows.h"

namespace leadline::agent::requests {

struct CapturedConnection {
  uint32_t place = 0;
  uint32_t serial = 0;
  uint64_t cgroup_id = 0;
  uint16_t local_port = 0;   // of servers, else 0
  uint16_t remote_port = 0;  // of a client's peer, else 0
  bool joined_late = false;
};

// Of a call: first bytes that were skipped, then those that were captured, then others.
struct CapturedCall {
  protocols::base::Direction direction = protocols::base::Direction::kEgress;
  uint64_t ts_ns = 0;
  uint64_t offset = 0;  // of the direction's bytes, how many came before
  uint64_t skipped = 0;
  std::string_view bytes;
  uint64_t uncaptured = 0;
  uint32_t weight = 1;  // requests count so often: one connection in so many was captured
};

// Where it is told what the kernel should do.
class Wants {
 public:
  virtual ~Wants() = default;
  // Bytes of the direction from `offset` on; before it lengths alone.
  virtual void From(uint32_t place, uint32_t serial, protocols::base::Direction direction,
                    uint64_t offset) = 0;
  virtual void Nothing(uint32_t place, uint32_t serial) = 0;
};

class Tracker final : private protocols::base::RecordSink {
 public:
  struct Limits {
    uint32_t places = 0;  // of the kernel's table
    uint32_t connections = 16384;
    uint64_t silence_ns = 60'000'000'000;
    protocols::base::Limits parsing;
  };

  Tracker(const Limits& limits, RequestRows& rows, Wants& wants);

  void OnCall(const CapturedConnection& connection, const CapturedCall& call);
  void OnEnd(const CapturedConnection& connection, const protocols::End& end);
  // Now and then; at most once a second does it look at every connection.
  void Tick(uint64_t now_ns);

  const protocols::base::Counters& counters() const { return shard_.counters(); }
  size_t connections() const { return live_.size(); }
  // Connections that were given up because there are too many.
  uint64_t refused() const { return refused_; }

 private:
  struct Entry {
    Entry(protocols::base::Shard& shard, protocols::ParserPool& parsers)
        : connection(shard, parsers) {}

    protocols::Connection connection;
    uint64_t cgroup_id = 0;
    uint32_t place = 0;
    uint32_t serial = 0;
    size_t index = 0;  // in live_
    uint64_t last_ns = 0;
    uint32_t weight = 1;    // of the last call
    uint64_t next[2] = {};  // offset behind what came, by direction
    uint64_t told[2] = {};  // last wanted offset that the kernel was told
  };
  struct Place {
    std::unique_ptr<Entry> entry;
    uint32_t done_serial = 0;  // of which nothing more is wanted
  };

  void OnRequest(const protocols::base::RequestRecord& record) override;

  Entry* Begin(Place& place, const CapturedConnection& connection);
  void Push(Entry& entry, const CapturedCall& call);
  void TellWants(Entry& entry);
  // Nothing more of it is wanted.
  void GiveUp(Place& place);
  void Release(Place& place);

  const Limits limits_;
  RequestRows& rows_;
  Wants& wants_;
  protocols::base::Shard shard_;
  protocols::ParserPool parsers_;
  std::vector<Place> places_;
  std::vector<Entry*> live_;
  std::vector<std::unique_ptr<Entry>> free_;
  const Entry* at_work_ = nullptr;  // whose requests come
  uint64_t swept_ns_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace leadline::agent::requests
