// The buffers in which each CPU tells of calls that sent or received (bpf/shared/requests.h), read
// as one stream in the order of time, with the ends of connections, which come another way.
//
// Of two records of which one was caused by the other, the causing one was whole before the other
// began. So what was told before a moment at which nothing had been looked at yet is complete: if
// a record is missing because its CPU wrote it after its buffer was looked at, whatever it caused
// is younger than that moment.
//
// Times are nanoseconds of CLOCK_MONOTONIC. Not thread-safe; of each buffer there is one reader.
// The memory has to outlive this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"

#include "bpf/shared/requests.h"

namespace leadline::agent::probes {

class RequestBuffers {
 public:
  // A record and its bytes, as DecodeRequestRecord takes them; valid during the call.
  using Handler = absl::FunctionRef<void(const void* data, size_t size)>;

  // What a CPU's buffer takes with a ring of so many bytes, a power of two.
  static size_t BytesOf(uint32_t ring_bytes);

  // `memory` has a buffer for each CPU. Reading goes on where its tails are.
  RequestBuffers(std::byte* memory, uint32_t cpus, uint32_t ring_bytes);

  // The end of a connection, which Read() hands out in its turn.
  void AddEnd(const request_record& end);

  // Hands out what was told before `until_ns`, the oldest first, at most `most` records, and makes
  // room. REQUIRES: ends that were told before until_ns are added. False when it should be called
  // again at once: there may be more of it, or somewhere a share of kMuch is in use again.
  bool Read(uint64_t until_ns, size_t most, Handler handler);
  static constexpr uint32_t kMuch = 4;

  // Times that a buffer held no record where one should begin: what was in it is lost.
  uint64_t malformed() const { return malformed_; }

 private:
  // Of a buffer.
  struct Source {
    request_buffer* buffer = nullptr;
    const std::byte* ring = nullptr;
    uint64_t at = 0;   // bytes that were read
    uint64_t end = 0;  // as far as it may be read
  };

  const request_record* RecordAt(const Source& source) const;
  // The time of what comes next of a source; kNone when there is nothing before until_ns.
  uint64_t NextOf(Source& source, uint64_t until_ns);
  uint64_t NextEnd(uint64_t until_ns) const;
  void ForgetHandedEnds();

  const uint32_t ring_bytes_;
  std::vector<Source> sources_;
  std::vector<uint64_t> next_ns_;     // by source, and of ends behind them
  std::vector<request_record> ends_;  // ascending by time from ends_at_ on
  size_t ends_at_ = 0;
  bool ends_sorted_ = true;
  uint64_t malformed_ = 0;
};

}  // namespace leadline::agent::probes
