// The batches that the collector has not acknowledged, in order and within a limit.
//
// A batch is in memory, in the spool, or in both. Past `spooled_bytes` the oldest that are in both
// leave memory. When what is in memory is more than `max_bytes` the oldest that the current session
// has not sent are dropped: their samples are gone, their numbers stay, and the batch behind them
// declares them lost. What was dropped is kept as ranges, so that an outage of any length costs
// bounded memory. Units: bytes count serialized batches in memory and this class's own records. Not
// synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "agent/spool/segment.h"

namespace leadline::agent {

class SendBuffer {
 public:
  using Wire = std::shared_ptr<const std::string>;

  struct Dropped {
    uint64_t batches = 0;
    uint64_t samples = 0;

    Dropped& operator+=(const Dropped& other) {
      batches += other.batches;
      samples += other.samples;
      return *this;
    }
  };
  struct Outgoing {
    uint64_t sequence;
    uint64_t lost_batches;  // numbered just before this one
    uint64_t lost_samples;
    Wire wire;
  };

  SendBuffer(size_t max_bytes, size_t spooled_bytes)
      : max_bytes_(max_bytes), spooled_bytes_(spooled_bytes) {}

  // Sequences ascend. Tells what had to go.
  Dropped Push(uint64_t sequence, uint64_t samples, Wire wire);
  // A batch that is in the spool only.
  void PushSpooled(uint64_t sequence, uint64_t samples, const spool::Location& location);
  // Batches that are lost already.
  void PushLost(uint64_t first, uint64_t last, uint64_t samples);

  // The spool has the batch, unless it is acknowledged or dropped already.
  void Spooled(uint64_t sequence, const spool::Location& location);
  // The spool has none of these any more. Tells what is gone with them.
  Dropped Unspooled(uint64_t first, uint64_t last);

  // Every batch up to this one is durable.
  void Acknowledge(uint64_t sequence);

  // A session begins at a collector that holds everything up to `durable_sequence` (already
  // acknowledged here): nothing has been sent. With spooled_bytes 0 what was read for the last
  // session is not kept for the next; tells what has left the spool meanwhile.
  Dropped BeginSession(uint64_t durable_sequence);

  // What the session had sent is no longer on its way: it may be dropped like the rest, so that it
  // is the oldest that make room while there is no session.
  void EndSession();

  struct Peek {
    uint64_t sequence;
    size_t wire_bytes;
    std::optional<spool::Location> read_from;  // it must be read and given to Attach first
  };
  // What Next would return.
  std::optional<Peek> PeekNext() const;

  // What was read of the batch that PeekNext told.
  void Attach(uint64_t sequence, Wire wire);
  // It could not be read. Tells what is gone.
  Dropped Lose(uint64_t sequence);

  // The next batch to send, which is in flight from now on; nullopt when there is none.
  std::optional<Outgoing> Next();

  // Gives up the batch that Next would return.
  Dropped DropNext();
  // Gives up everything that is in memory only, and forgets the rest.
  Dropped DropAll();

  // The last that this session has sent, or begun after.
  uint64_t sent_sequence() const { return sent_sequence_; }
  bool empty() const { return batches_ == 0; }
  size_t batches() const { return batches_; }
  size_t bytes() const { return bytes_; }
  size_t in_flight() const { return in_flight_; }

 private:
  // A batch, or a range of dropped ones (neither `wire` nor `location`).
  struct Entry {
    uint64_t first;
    uint64_t last;
    uint64_t samples;
    Wire wire;
    std::optional<spool::Location> location;
    bool read_back = false;  // `wire` is from the spool

    bool dropped() const { return wire == nullptr && !location; }
  };
  size_t Bytes(const Entry& entry) const;
  size_t NextIndex() const;
  // Of the first entry that ends at or after `sequence`.
  size_t IndexOf(uint64_t sequence) const;
  Entry* Find(uint64_t sequence);
  void ForgetWire(Entry& entry);
  void LeaveMemory();
  Dropped DropAt(size_t index);

  const size_t max_bytes_;
  const size_t spooled_bytes_;
  std::deque<Entry> entries_;
  size_t unsent_ = 0;  // index of the first entry that this session has not sent
  uint64_t sent_sequence_ = 0;
  size_t batches_ = 0;  // entries that are not dropped
  size_t bytes_ = 0;
  size_t in_flight_ = 0;
};

}  // namespace leadline::agent
