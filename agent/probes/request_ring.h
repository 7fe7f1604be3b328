// Requests over TCP connections: reads what requests.bpf.c captures, on a thread of its own, and
// counts the requests that are in it (agent/requests).
//
// Each CPU tells in a ring of its own. The thread empties them every kReadEvery, sooner when one is
// a quarter full. What finds no room is lost and counted by protocol, and the requests that it was
// part of are missing or marked (ADR 153).
//
// Thread-safe, but for Configure, Open and Start. Ends its thread when destroyed.
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "agent/probes/bpf_map_memory.h"
#include "agent/probes/request_buffers.h"
#include "agent/requests/request_rows.h"
#include "agent/requests/tracker.h"
#include "bpf/shared/requests.h"
#include "common/mutex.h"

namespace leadline::agent::probes {

// False when it is shorter than it says or of an unknown kind; the rest then holds nothing of use.
// `end` is set where the connection has ended, else `call`, whose bytes are views into the record.
struct DecodedRequest {
  requests::CapturedConnection connection;
  bool is_end = false;
  requests::CapturedCall call;
  protocols::End end;
};
bool DecodeRequestRecord(const void* data, size_t size, DecodedRequest& decoded);

// What became of the requests of a protocol.
struct RequestCount {
  std::string_view protocol;  // of its folder; "unknown" before it was told
  std::string_view unit;      // "requests", "bytes", "connections", "events"; of a loss
  std::string_view reason;    // of a loss; "" for requests that were seen
  uint64_t count = 0;         // since the start
};

class RequestRing {
 public:
  static constexpr absl::Duration kReadEvery = absl::Milliseconds(50);
  // Read before others have their turn.
  static constexpr size_t kRecordsAtOnce = 8192;

  struct Size {
    uint32_t connections = 0;
    // For the rings of all CPUs: each has a power of two of it, at least a page and at most 2 MiB.
    // 0 when nothing is captured.
    uint32_t ring_bytes = 0;
    uint32_t cpus = 0;
  };

  // The object of connections, tcp, has the maps that both use.
  static absl::Status ConfigureTcp(bpf_object* tcp, const Size& size);
  static absl::Status Configure(bpf_object* object, const Size& size, uint32_t agent_tgid);
  // Before `object` is loaded, makes it use the maps of the loaded object `tcp`.
  static absl::Status Share(const bpf_object* tcp, bpf_object* object);
  static bool IsShared(std::string_view map);

  // The loaded object has to outlive this.
  static absl::StatusOr<std::unique_ptr<RequestRing>> Open(bpf_object* object, const Size& size);
  ~RequestRing();

  // When the programs are attached: connections that are older count as joined late.
  absl::Status Start();

  // From now on requests are told of one connection in so many, a power of two up to 65,536, and
  // count so often; 0: of none, and the programs need not be attached. Those of a connection that
  // was left out meanwhile are told of as if it was joined late.
  absl::Status Sample(uint32_t one_in);

  // Every row, with what was captured before the call (at most kRecordsAtOnce records of it).
  void Read(absl::FunctionRef<void(const requests::RequestCounters&)> handler);
  void Forget(uint64_t cgroup_id);

  // Those that are not 0.
  std::vector<RequestCount> Counts() const;
  size_t connections() const;
  // By request_loss, since the start.
  absl::StatusOr<std::vector<uint64_t>> Losses() const;
  static std::vector<std::string> LossNames();

 private:
  // Writes into the map that the kernel looks at.
  class KernelWants final : public requests::Wants {
   public:
    explicit KernelWants(BpfMapMemory memory) : memory_(std::move(memory)) {}
    void From(uint32_t place, uint32_t serial, protocols::base::Direction direction,
              uint64_t offset) override;
    void Nothing(uint32_t place, uint32_t serial) override;

   private:
    request_want* At(uint32_t place, uint32_t serial);

    const BpfMapMemory memory_;
  };
  struct RingFreer {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  };
  // Called by Drain only.
  static int OnEnd(void* context, void* data, size_t size) ABSL_NO_THREAD_SAFETY_ANALYSIS;
  void OnRecord(const void* data, size_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  RequestRing(BpfMapMemory wants, BpfMapMemory buffers, const Size& size);
  void Work();
  // Takes what there is; false when there may be more.
  bool Drain() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  KernelWants wants_;
  const BpfMapMemory memory_;  // of buffers_
  bpf_object* object_ = nullptr;
  bool captures_ = false;
  uint32_t capture_number_ = 0;  // of times that it captured
  int losses_fd_ = -1;
  uint32_t cpus_ = 0;
  int epoll_fd_ = -1;
  int stop_fd_ = -1;

  mutable Mutex mutex_;
  std::unique_ptr<ring_buffer, RingFreer> ends_ ABSL_GUARDED_BY(mutex_);
  RequestBuffers buffers_ ABSL_GUARDED_BY(mutex_);
  requests::RequestRows rows_ ABSL_GUARDED_BY(mutex_);
  requests::Tracker tracker_ ABSL_GUARDED_BY(mutex_);
  uint64_t malformed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace leadline::agent::probes
