#include "agent/probes/request_ring.h"

#include <bpf/bpf.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "fmt/format.h"
#include "spdlog/spdlog.h"

#include "agent/probes/bpf_losses.h"
#include "agent/probes/bpf_maps.h"
#include "agent/protocols/base/counters.h"
#include "common/status_macros.h"
#include "requests.skel.h"

namespace leadline::agent::probes {
namespace {

using protocols::base::Direction;
using protocols::base::LossKind;
using protocols::base::Protocol;

constexpr const char* kMapsOfTcp[] = {"tcp_connections", "request_states", "request_ends",
                                      "request_losses"};
// Of a CPU's ring: the kernel has limits for values of maps.
constexpr uint32_t kMostRingBytes = 2U << 20;

static_assert(protocols::base::kProtocols < REQUEST_PROTOCOLS_MAX);
static_assert(static_cast<int>(Direction::kEgress) == REQUEST_EGRESS &&
              static_cast<int>(Direction::kIngress) == REQUEST_INGRESS);

uint32_t PageBytes() { return static_cast<uint32_t>(sysconf(_SC_PAGESIZE)); }

// Of a CPU.
uint32_t RingBytes(const RequestRing::Size& size) {
  return std::bit_floor(std::clamp(size.ring_bytes / size.cpus, PageBytes(), kMostRingBytes));
}

absl::Status SetValueSize(bpf_object* object, const char* map, size_t bytes) {
  bpf_map* found = bpf_object__find_map_by_name(object, map);
  const int error =
      found == nullptr ? -ENOENT : bpf_map__set_value_size(found, static_cast<uint32_t>(bytes));
  return error == 0 ? absl::OkStatus() : BpfMapError(map, "set the size of its values", -error);
}

uint32_t Places(uint32_t connections) { return std::bit_ceil(connections) * 2; }

uint64_t NowNs() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

std::string_view UnitOf(LossKind kind) {
  switch (kind) {
    case LossKind::kBytes:
      return "bytes";
    case LossKind::kExchanges:
      return "requests";
    case LossKind::kConnections:
      return "connections";
    case LossKind::kEvents:
      return "events";
  }
  return "?";
}

}  // namespace

bool DecodeRequestRecord(const void* data, size_t size, DecodedRequest& decoded) {
  if (size < sizeof(request_record)) return false;
  const auto* record = static_cast<const request_record*>(data);
  if (record->direction >= REQUEST_DIRECTIONS) return false;
  decoded.connection = {.place = record->place,
                        .serial = record->serial,
                        .cgroup_id = record->cgroup,
                        .local_port = record->local_port,
                        .remote_port = record->remote_port,
                        .joined_late = (record->flags & REQUEST_JOINED_LATE) != 0};
  decoded.is_end = record->kind == REQUEST_END;
  if (decoded.is_end) {
    decoded.end = {.ts_ns = record->ts_mono_ns,
                   .offset = {record->offset[REQUEST_EGRESS], record->offset[REQUEST_INGRESS]}};
    return true;
  }
  if (record->kind != REQUEST_CHUNK || size < sizeof(*record) + record->captured ||
      record->shift > REQUEST_SHIFT_MAX) {
    return false;
  }
  decoded.call = {
      .direction = static_cast<Direction>(record->direction),
      .ts_ns = record->ts_mono_ns,
      .offset = record->offset[record->direction],
      .skipped = record->skipped,
      .bytes = {static_cast<const char*>(data) + sizeof(*record), record->captured},
      .uncaptured = record->uncaptured,
      .weight = 1U << record->shift,
  };
  return true;
}

absl::Status RequestRing::ConfigureTcp(bpf_object* tcp, const Size& size) {
  const bool is_on = size.ring_bytes != 0;
  LL_RETURN_IF_ERROR(SetMapEntries(tcp, "request_states", is_on ? Places(size.connections) : 1));
  return SetMapEntries(tcp, "request_ends", is_on ? uint32_t{REQUEST_ENDS_BYTES} : PageBytes());
}

absl::Status RequestRing::Configure(bpf_object* object, const Size& size, uint32_t agent_tgid) {
  LL_RETURN_IF_ERROR(ConfigureTcp(object, size));
  const uint32_t places = Places(size.connections);
  const uint32_t ring_bytes = RingBytes(size);
  const bool is_on = size.ring_bytes != 0;
  LL_RETURN_IF_ERROR(SetMapEntries(object, "tcp_connections", places));
  LL_RETURN_IF_ERROR(SetMapEntries(object, "request_wants", is_on ? places : 1));
  LL_RETURN_IF_ERROR(SetMapEntries(object, "request_buffers", size.cpus));
  LL_RETURN_IF_ERROR(SetValueSize(object, "request_buffers", RequestBuffers::BytesOf(ring_bytes)));
  return EditReadOnlyData<requests_bpf::requests_bpf__rodata>(object, [&](auto& rodata) {
    rodata.agent_tgid = agent_tgid;
    rodata.connection_mask = places - 1;
    rodata.buffer_bytes = ring_bytes;
    rodata.much_bytes = ring_bytes / RequestBuffers::kMuch;
  });
}

absl::Status RequestRing::Share(const bpf_object* tcp, bpf_object* object) {
  for (const char* name : kMapsOfTcp) {
    bpf_map* map = bpf_object__find_map_by_name(object, name);
    const int fd = bpf_object__find_map_fd_by_name(tcp, name);
    const int error = map == nullptr || fd < 0 ? -ENOENT : bpf_map__reuse_fd(map, fd);
    if (error != 0) return BpfMapError(name, "share it", -error);
  }
  return absl::OkStatus();
}

bool RequestRing::IsShared(std::string_view map) {
  return std::find(std::begin(kMapsOfTcp), std::end(kMapsOfTcp), map) != std::end(kMapsOfTcp);
}

RequestRing::RequestRing(BpfMapMemory wants, BpfMapMemory buffers, const Size& size)
    : wants_(std::move(wants)),
      memory_(std::move(buffers)),
      cpus_(size.cpus),
      buffers_(memory_.data(), size.cpus, RingBytes(size)),
      rows_({}),
      tracker_({.places = Places(size.connections)}, rows_, wants_) {}

absl::StatusOr<std::unique_ptr<RequestRing>> RequestRing::Open(bpf_object* object,
                                                               const Size& size) {
  const auto fd = [&](const char* name) { return bpf_object__find_map_fd_by_name(object, name); };
  LL_ASSIGN_OR_RETURN(
      BpfMapMemory wants,
      BpfMapMemory::Map(fd("request_wants"), Places(size.connections) * sizeof(request_want),
                        "request_wants"));
  LL_ASSIGN_OR_RETURN(
      BpfMapMemory buffers,
      BpfMapMemory::Map(fd("request_buffers"), size.cpus * RequestBuffers::BytesOf(RingBytes(size)),
                        "request_buffers"));
  std::unique_ptr<RequestRing> ring(new RequestRing(std::move(wants), std::move(buffers), size));
  ring->object_ = object;
  ring->losses_fd_ = fd("request_losses");
  const MutexLock lock(ring->mutex_);
  ring->ends_.reset(ring_buffer__new(fd("request_ends"), &RequestRing::OnEnd, ring.get(), nullptr));
  if (ring->ends_ == nullptr) return BpfMapError("request_ends", "map it", errno);
  ring->stop_fd_ = eventfd(0, EFD_CLOEXEC);
  ring->epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  // By its edge: it is readable whenever there is anything in it, and what is there may wait until
  // the kernel says that it is much.
  epoll_event much = {.events = EPOLLIN | EPOLLET, .data = {.fd = fd("request_ends")}};
  epoll_event stop = {.events = EPOLLIN, .data = {.fd = ring->stop_fd_}};
  if (ring->stop_fd_ < 0 || ring->epoll_fd_ < 0 ||
      epoll_ctl(ring->epoll_fd_, EPOLL_CTL_ADD, fd("request_ends"), &much) != 0 ||
      epoll_ctl(ring->epoll_fd_, EPOLL_CTL_ADD, ring->stop_fd_, &stop) != 0) {
    return BpfMapError("request_ends", "wait for it", errno);
  }
  return ring;
}

RequestRing::~RequestRing() {
  if (thread_.joinable()) {
    eventfd_write(stop_fd_, 1);
    thread_.join();
  }
  if (epoll_fd_ >= 0) close(epoll_fd_);
  if (stop_fd_ >= 0) close(stop_fd_);
}

absl::Status RequestRing::Start() {
  LL_RETURN_IF_ERROR(Sample(1));
  thread_ = std::thread([this] { Work(); });
  return absl::OkStatus();
}

absl::Status RequestRing::Sample(uint32_t one_in) {
  using Data = requests_bpf::requests_bpf__data;
  using Zeros = requests_bpf::requests_bpf__bss;
  const bool is_on = one_in != 0;
  if (is_on && !captures_) {
    LL_RETURN_IF_ERROR(WriteData(object_, ".data", Data{.capture_since_us = NowNs() / 1000}));
  }
  if (captures_ && !is_on) ++capture_number_;
  LL_RETURN_IF_ERROR(
      WriteData(object_, ".bss",
                Zeros{.capture_number = capture_number_,
                      .requests_shift = is_on ? static_cast<uint32_t>(std::countr_zero(one_in))
                                              : uint32_t{REQUEST_SHIFT_NONE}}));
  captures_ = is_on;
  return absl::OkStatus();
}

void RequestRing::Work() {
  pthread_setname_np(pthread_self(), "requests");
  const int patience_ms = static_cast<int>(absl::ToInt64Milliseconds(kReadEvery));
  for (bool all = true;;) {
    epoll_event events[2];
    const int ready = epoll_wait(epoll_fd_, events, 2, all ? patience_ms : 0);
    if (ready < 0 && errno != EINTR) {
      spdlog::error("BPF map request_ends: epoll_wait: {}", std::strerror(errno));
      return;
    }
    for (int i = 0; i < ready; ++i) {
      if (events[i].data.fd == stop_fd_) return;
    }
    const MutexLock lock(mutex_);
    all = Drain();
    tracker_.Tick(NowNs());
  }
}

bool RequestRing::Drain() {
  const uint64_t until_ns = NowNs();  // before anything is looked at: see RequestBuffers
  ring_buffer__consume(ends_.get());
  return buffers_.Read(until_ns, kRecordsAtOnce, [this](const void* data, size_t size) {
    mutex_.AssertHeld();
    OnRecord(data, size);
  });
}

int RequestRing::OnEnd(void* context, void* data, size_t size) {
  auto* ring = static_cast<RequestRing*>(context);
  const auto* record = static_cast<const request_record*>(data);
  if (size < sizeof(*record)) {
    ++ring->malformed_;
  } else if (record->kind != REQUEST_MUCH) {
    ring->buffers_.AddEnd(*record);
  }
  return 0;
}

void RequestRing::OnRecord(const void* data, size_t size) {
  DecodedRequest decoded;
  if (!DecodeRequestRecord(data, size, decoded)) {
    ++malformed_;
  } else if (decoded.is_end) {
    tracker_.OnEnd(decoded.connection, decoded.end);
  } else {
    tracker_.OnCall(decoded.connection, decoded.call);
  }
}

void RequestRing::Read(absl::FunctionRef<void(const requests::RequestCounters&)> handler) {
  const MutexLock lock(mutex_);
  Drain();
  rows_.Read(handler);
}

void RequestRing::Forget(uint64_t cgroup_id) {
  const MutexLock lock(mutex_);
  rows_.Forget(cgroup_id);
}

std::vector<RequestCount> RequestRing::Counts() const {
  const MutexLock lock(mutex_);
  std::vector<RequestCount> counts;
  const auto add = [&](std::string_view protocol, std::string_view unit, std::string_view reason,
                       uint64_t count) {
    if (count > 0) counts.push_back({protocol, unit, reason, count});
  };
  const protocols::base::Counters& counters = tracker_.counters();
  for (size_t i = 0; i < protocols::base::kProtocols; ++i) {
    const auto protocol = static_cast<Protocol>(i);
    const auto& of = counters.of(protocol);
    const std::string_view name = ProtocolKey(protocol);
    add(name, "requests", "", of.records);
    for (size_t loss = 0; loss < of.losses.size(); ++loss) {
      const auto& row = protocols::base::kLosses[loss];
      add(name, UnitOf(row.kind), row.reason, of.losses[loss]);
    }
  }
  const std::string_view unknown = ProtocolKey(Protocol::kUnknown);
  add(unknown, "requests", "target_capped", rows_.losses(requests::RequestRows::kTargetCapped));
  add(unknown, "requests", "no_response", rows_.losses(requests::RequestRows::kNoResponse));
  add(unknown, "connections", "too_many", tracker_.refused());
  add(unknown, "events", "malformed_record", malformed_ + buffers_.malformed());
  return counts;
}

size_t RequestRing::connections() const {
  const MutexLock lock(mutex_);
  return tracker_.connections();
}

absl::StatusOr<std::vector<uint64_t>> RequestRing::Losses() const {
  LL_ASSIGN_OR_RETURN(std::vector<uint64_t> all,
                      ReadPerCpuCounters(losses_fd_, REQUEST_LOSS_COUNT, cpus_, "request_losses"));
  // Of rows of protocols that there are, and TLS.
  std::vector<uint64_t> losses(all.begin(), all.begin() + protocols::base::kProtocols);
  losses.push_back(all[REQUEST_LOSS_RING_FULL_END - 1]);
  losses.insert(losses.end(), all.begin() + REQUEST_LOSS_RING_FULL_END, all.end());
  return losses;
}

std::vector<std::string> RequestRing::LossNames() {
  std::vector<std::string> names;
  for (size_t i = 0; i < protocols::base::kProtocols; ++i) {
    names.push_back(fmt::format("request_ring_full_{}", ProtocolKey(static_cast<Protocol>(i))));
  }
  for (const char* name : {"request_ring_full_tls", "request_bytes_unreadable", "request_no_buffer",
                           "request_end_lost", "request_call_nested"}) {
    names.emplace_back(name);
  }
  return names;
}

request_want* RequestRing::KernelWants::At(uint32_t place, uint32_t serial) {
  auto* want = reinterpret_cast<request_want*>(memory_.data()) + place;
  if (std::atomic_ref<__u32>(want->serial).load(std::memory_order_relaxed) != serial) {
    // Of another connection: nothing of it may count for this one.
    std::atomic_ref<__u32>(want->serial).store(0, std::memory_order_relaxed);
    std::atomic_ref<__u32>(want->off).store(0, std::memory_order_release);
    for (__u64& offset : want->offset) {
      std::atomic_ref<__u64>(offset).store(0, std::memory_order_release);
    }
  }
  return want;
}

void RequestRing::KernelWants::From(uint32_t place, uint32_t serial, Direction direction,
                                    uint64_t offset) {
  request_want* want = At(place, serial);
  std::atomic_ref<__u64>(want->offset[static_cast<size_t>(direction)])
      .store(offset, std::memory_order_release);
  std::atomic_ref<__u32>(want->serial).store(serial, std::memory_order_release);
}

void RequestRing::KernelWants::Nothing(uint32_t place, uint32_t serial) {
  request_want* want = At(place, serial);
  std::atomic_ref<__u32>(want->off).store(1, std::memory_order_release);
  std::atomic_ref<__u32>(want->serial).store(serial, std::memory_order_release);
}

}  // namespace leadline::agent::probes
