#include "agent/probes/lifecycle_ring.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "fmt/format.h"

#include "agent/probes/bpf_losses.h"
#include "agent/probes/bpf_maps.h"

namespace leadline::agent::probes {

bool DecodeLifecycleRecord(const void* data, size_t size, LifecycleEvent& event) {
  constexpr size_t kPathAt = offsetof(lifecycle_record, path);
  if (size < kPathAt) return false;
  const auto* record = static_cast<const lifecycle_record*>(data);
  if (record->path_bytes > size - kPathAt || record->path_bytes > LIFECYCLE_PATH_MAX) return false;
  switch (record->kind) {
    case LIFECYCLE_CGROUP_MKDIR:
    case LIFECYCLE_CGROUP_RMDIR:
      event.kind = static_cast<LifecycleEvent::Kind>(record->kind);
      break;
    default:
      return false;
  }
  event.ts_mono_ns = static_cast<int64_t>(record->ts_mono_ns);
  event.cgroup_id = record->cgroup;
  event.path = std::string_view(record->path, record->path_bytes);
  event.truncated = record->truncated != 0;
  return true;
}

absl::Status LifecycleRing::Configure(bpf_object* object, uint32_t bytes) {
  const auto page = static_cast<uint32_t>(sysconf(_SC_PAGESIZE));
  const uint32_t rounded = std::bit_ceil(std::clamp(bytes, page, 1U << 30));
  return SetMapEntries(object, "lifecycle_ring", rounded);
}

absl::StatusOr<std::unique_ptr<LifecycleRing>> LifecycleRing::Open(bpf_object* object,
                                                                   uint32_t cpus) {
  std::unique_ptr<LifecycleRing> ring(new LifecycleRing);
  ring->cpus_ = cpus;
  ring->losses_fd_ = bpf_object__find_map_fd_by_name(object, "lifecycle_losses");
  ring->ring_.reset(ring_buffer__new(bpf_object__find_map_fd_by_name(object, "lifecycle_ring"),
                                     &LifecycleRing::OnRecord, ring.get(), nullptr));
  if (ring->ring_ == nullptr) {
    return absl::InternalError(
        fmt::format("BPF map lifecycle_ring: cannot map it: {}", std::strerror(errno)));
  }
  return ring;
}

int LifecycleRing::OnRecord(void* context, void* data, size_t size) {
  auto* ring = static_cast<LifecycleRing*>(context);
  LifecycleEvent event;
  if (DecodeLifecycleRecord(data, size, event)) {
    (*ring->handler_)(event);
  } else {
    ring->malformed_.fetch_add(1, std::memory_order_relaxed);
  }
  return 0;
}

absl::StatusOr<int> LifecycleRing::Poll(absl::Duration timeout,
                                        absl::FunctionRef<void(const LifecycleEvent&)> handler) {
  handler_ = &handler;
  const int64_t timeout_ms = std::clamp<int64_t>(absl::ToInt64Milliseconds(timeout), 0, 1 << 30);
  const int events = ring_buffer__poll(ring_.get(), static_cast<int>(timeout_ms));
  handler_ = nullptr;
  if (events >= 0) return events;
  if (events == -EINTR) return 0;
  return absl::InternalError(
      fmt::format("BPF map lifecycle_ring: poll: {}", std::strerror(-events)));
}

absl::StatusOr<std::vector<uint64_t>> LifecycleRing::Losses() const {
  return ReadPerCpuCounters(losses_fd_, LIFECYCLE_LOSS_COUNT, cpus_, "lifecycle_losses");
}

}  // namespace leadline::agent::probes
