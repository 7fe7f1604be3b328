// The batches that the collector has not acknowledged, in order and within a limit.
//
// When they are more than the limit the oldest that the current session has not sent are dropped:
// their samples are gone, their numbers stay, and the batch behind them declares them lost. What
// was dropped is kept as ranges, so that an outage of any length costs bounded memory. Units:
// bytes count serialized batches and this class's own records. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace leadline::agent {

class SendBuffer {
 public:
  struct Dropped {
    uint64_t batches = 0;
    uint64_t samples = 0;
  };
  struct Outgoing {
    uint64_t sequence;
    uint64_t lost_batches;  // numbered just before this one
    uint64_t lost_samples;
    std::shared_ptr<const std::string> wire;
  };

  explicit SendBuffer(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Sequences ascend by one. Tells what had to go.
  Dropped Push(uint64_t sequence, uint64_t samples, std::string wire);

  // Every batch up to this one is durable.
  void Acknowledge(uint64_t sequence);

  // A session begins at a collector that holds everything up to `durable_sequence` (already
  // acknowledged here): nothing has been sent.
  void BeginSession(uint64_t durable_sequence);

  // The next batch to send, which is in flight from now on; nullopt when there is none.
  std::optional<Outgoing> Next();

  // Gives up the batch that Next would return.
  Dropped DropNext();
  // Gives up everything.
  Dropped DropAll();

  struct Peek {
    uint64_t sequence;
    size_t wire_bytes;
  };
  // What Next would return.
  std::optional<Peek> PeekNext() const;
  // The last that this session has sent, or begun after.
  uint64_t sent_sequence() const { return sent_sequence_; }
  bool empty() const { return batches_ == 0; }
  size_t batches() const { return batches_; }
  size_t bytes() const { return bytes_; }
  size_t in_flight() const { return in_flight_; }

 private:
  // A batch, or a range of dropped ones (`wire` is null).
  struct Entry {
    uint64_t first;
    uint64_t last;
    uint64_t samples;
    std::shared_ptr<const std::string> wire;
  };
  size_t Bytes(const Entry& entry) const;
  size_t NextIndex() const;
  Dropped DropAt(size_t index);

  const size_t max_bytes_;
  std::deque<Entry> entries_;
  size_t unsent_ = 0;  // index of the first entry that this session has not sent
  uint64_t sent_sequence_ = 0;
  size_t batches_ = 0;  // entries that are not dropped
  size_t bytes_ = 0;
  size_t in_flight_ = 0;
};

}  // namespace leadline::agent
