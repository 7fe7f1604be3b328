// Control groups that come and go, from the kernel's ring buffer, in order.
//
// Of the hierarchy that is counted by. Times are CLOCK_MONOTONIC in nanoseconds. When the ring is
// full the kernel drops records and counts them (Losses); whoever keeps the set of cgroups then
// reads the hierarchy anew.
//
// Poll belongs to one thread, which need not be the SyscallTable's; the rest may be called from
// any.
#pragma once

#include <bpf/libbpf.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "bpf/shared/lifecycle.h"

namespace leadline::agent::probes {

struct LifecycleEvent {
  enum class Kind : uint8_t {
    kCgroupCreated = LIFECYCLE_CGROUP_MKDIR,
    kCgroupRemoved = LIFECYCLE_CGROUP_RMDIR,
  };
  Kind kind = Kind::kCgroupCreated;
  int64_t ts_mono_ns = 0;
  uint64_t cgroup_id = 0;
  std::string_view path;   // from the hierarchy's root, "/kubepods/…"; valid during the call
  bool truncated = false;  // the path goes on
};

// False when it is shorter than it says or of an unknown kind; `event` then holds nothing of use.
bool DecodeLifecycleRecord(const void* data, size_t size, LifecycleEvent& event);

class LifecycleRing {
 public:
  // `bytes` is rounded up to a power of two and at least a page.
  static absl::Status Configure(bpf_object* object, uint32_t bytes);
  // The loaded object has to outlive this.
  static absl::StatusOr<std::unique_ptr<LifecycleRing>> Open(bpf_object* object, uint32_t cpus);

  // Waits at most `timeout` for the first event and hands over all that there are; returns how
  // many.
  absl::StatusOr<int> Poll(absl::Duration timeout,
                           absl::FunctionRef<void(const LifecycleEvent&)> handler);

  // Readable when there are events; for another poll loop.
  int epoll_fd() const { return ring_buffer__epoll_fd(ring_.get()); }

  // By lifecycle_loss, since the start.
  absl::StatusOr<std::vector<uint64_t>> Losses() const;
  // Records that this program could not read.
  uint64_t malformed() const { return malformed_.load(std::memory_order_relaxed); }

 private:
  struct RingFreer {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  };
  static int OnRecord(void* context, void* data, size_t size);

  LifecycleRing() = default;

  std::unique_ptr<ring_buffer, RingFreer> ring_;
  int losses_fd_ = -1;
  uint32_t cpus_ = 0;
  std::atomic<uint64_t> malformed_ = 0;
  const absl::FunctionRef<void(const LifecycleEvent&)>* handler_ = nullptr;  // during Poll
};

}  // namespace leadline::agent::probes
