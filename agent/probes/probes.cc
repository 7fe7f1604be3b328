#include "agent/probes/probes.h"

#include <sys/utsname.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <functional>
#include <utility>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "spdlog/spdlog.h"

#include "agent/probes/bpf_object.h"
#include "agent/probes/kernel_cgroups.h"
#include "agent/probes/map_memory.h"
#include "agent/probes/probe_table.h"
#include "agent/probes/tcp_table.h"
#include "agent/probes/udp_table.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::agent::probes {
namespace {

// sock_send_length and sock_recv_length.
constexpr KernelVersion kRequestsFrom = {6, 3};

constexpr uint32_t kPidMaxWhenUnknown = 1U << 22;  // the kernel's own limit on 64-bit machines

constexpr const char* kSyscallLossNames[] = {"syscall_row_cgroup_other", "syscall_row_global_other",
                                             "syscall_row_ended"};
static_assert(std::size(kSyscallLossNames) == SYSCALL_LOSS_COUNT);
constexpr const char* kLifecycleLossNames[] = {"lifecycle_ring_full", "lifecycle_path_unreadable"};
static_assert(std::size(kLifecycleLossNames) == LIFECYCLE_LOSS_COUNT);
constexpr const char* kProcessLossNames[] = {"process_row_cgroup_other", "process_row_global_other",
                                             "process_event_uncounted",
                                             "process_cpu_threads_unread"};
static_assert(std::size(kProcessLossNames) == PROCESS_LOSS_COUNT);

constexpr const char* kTcpLossNames[] = {"tcp_row_cgroup_other",   "tcp_row_global_other",
                                         "tcp_row_uncounted",      "tcp_connection_untracked",
                                         "tcp_connection_unknown", "tcp_row_ended",
                                         "tcp_connection_stale"};
static_assert(std::size(kTcpLossNames) == TCP_LOSS_COUNT);
constexpr const char* kUdpLossNames[] = {"udp_row_cgroup_other", "udp_row_global_other",
                                         "udp_row_uncounted"};
static_assert(std::size(kUdpLossNames) == UDP_LOSS_COUNT);
constexpr const char* kTotalsLossNames[] = {"process_totals_no_row"};
static_assert(std::size(kTotalsLossNames) == PROCESS_TOTALS_LOSS_COUNT);

// Programs of requests that one of UDP on the same hook goes on to.
struct Follower {
  std::string_view program;
  std::string_view before;  // the probe that goes on to it,
  const char* map;          // by this one
};
constexpr Follower kFollowers[] = {
    {"requests_send_btf", "udp_send", "after_udp_send"},
    {"requests_receive_btf", "udp_receive", "after_udp_receive"},
};

RequestRing::Size RequestSize(const ProbeOptions& options, uint32_t cpus) {
  return {.connections = options.tcp_connections,
          .ring_bytes = options.capture_requests ? std::max(options.request_ring_bytes, 1U) : 0,
          .cpus = cpus};
}

uint32_t PidMax() {
  uint32_t pid_max = 0;
  std::ifstream file("/proc/sys/kernel/pid_max");
  return file >> pid_max ? pid_max : kPidMaxWhenUnknown;
}

absl::Span<const ProbeRow> RowsOf(BpfObject object) {
  const absl::Span<const ProbeRow> all = ProbeTable();
  size_t begin = 0;
  while (begin < all.size() && all[begin].object != object) ++begin;
  size_t end = begin;
  while (end < all.size() && all[end].object == object) ++end;
  return all.subspan(begin, end - begin);
}

absl::StatusOr<SyscallTableSize> FitSyscalls(const ProbeOptions& options, uint32_t cpus,
                                             uint32_t pid_max) {
  const uint32_t rows = options.syscall_rows == 0 ? DefaultSyscallRows(cpus) : options.syscall_rows;
  LL_ASSIGN_OR_RETURN(SyscallTableSize size,
                      FitSyscallTable(options.syscall_budget_bytes, rows, cpus, pid_max));
  if (options.thread_slots != 0) size.slots = std::bit_ceil(options.thread_slots);
  return size;
}

// Sizes of the object's maps, and what its programs have to know.
absl::Status ConfigureObject(BpfObject object, bpf_object* opened, const ProbeOptions& options,
                             const SyscallTableSize& syscalls, uint32_t cpus) {
  switch (object) {
    case BpfObject::kSyscalls:
      LL_RETURN_IF_ERROR(
          ProcessTotalsTable::Configure(opened, syscalls.slots, options.tracked_processes));
      return SyscallTable::Configure(opened, syscalls, options.syscall_timing);
    case BpfObject::kLifecycle:
      return LifecycleRing::Configure(opened, options.lifecycle_ring_bytes);
    case BpfObject::kProcesses:
      LL_RETURN_IF_ERROR(
          ProcessTotalsTable::Configure(opened, syscalls.slots, options.tracked_processes));
      return ProcessTable::Configure(opened, options.process_rows, syscalls.slots);
    case BpfObject::kTcp:
      LL_RETURN_IF_ERROR(RequestRing::ConfigureTcp(opened, RequestSize(options, cpus)));
      return TcpTable::Configure(opened, options.tcp_rows, options.tcp_connections,
                                 options.count_own_sockets ? 0 : AgentTgid());
    case BpfObject::kUdp:
      return UdpTable::Configure(opened, options.udp_rows,
                                 options.count_own_sockets ? 0 : AgentTgid());
    case BpfObject::kRequests:
      return RequestRing::Configure(opened, RequestSize(options, cpus),
                                    options.count_own_sockets ? 0 : AgentTgid());
  }
  return absl::OkStatus();
}

// Maps that two objects share are there once.
void AddMaps(std::vector<MapReport> from, std::vector<MapReport>& to) {
  for (MapReport& map : from) {
    const bool has = std::any_of(to.begin(), to.end(),
                                 [&](const MapReport& other) { return other.name == map.name; });
    const bool is_shared =
        ProcessTotalsTable::IsShared(map.name) || RequestRing::IsShared(map.name);
    if (!has || !is_shared) to.push_back(std::move(map));
  }
}

class KernelProbes final : public Probes {
 public:
  absl::Status Load(const ProbeOptions& options);

  const ProbeReport& report() const override { return report_; }

  absl::Status ReadSyscalls(absl::FunctionRef<bool(const SyscallCounters&)> handler) override {
    if (syscalls_) syscalls_->Read(handler);
    return absl::OkStatus();
  }
  absl::Status ReadProcesses(absl::FunctionRef<void(const ProcessCounters&)> handler) override {
    return processes_ ? processes_->Read(handler) : absl::OkStatus();
  }
  absl::Status ReadTcp(absl::FunctionRef<void(const ConnectionCounters&)> handler) override {
    return tcp_ ? tcp_->Read(handler) : absl::OkStatus();
  }
  absl::Status ReadUdp(absl::FunctionRef<void(const ConnectionCounters&)> handler) override {
    return udp_ ? udp_->Read(handler) : absl::OkStatus();
  }
  absl::Status ReadRequests(
      absl::FunctionRef<void(const requests::RequestCounters&)> handler) override {
    if (requests_) requests_->Read(handler);
    return absl::OkStatus();
  }
  std::vector<RequestCount> RequestCounts() const override {
    return requests_ ? requests_->Counts() : std::vector<RequestCount>();
  }
  size_t request_connections() const override { return requests_ ? requests_->connections() : 0; }
  void Forget(uint64_t cgroup_id) override {
    if (syscalls_) syscalls_->Forget(cgroup_id);
    if (processes_) processes_->Forget(cgroup_id);
    if (tcp_) tcp_->Forget(cgroup_id);
    if (udp_) udp_->Forget(cgroup_id);
    if (requests_) requests_->Forget(cgroup_id);
  }
  ProcessTotalsSource* process_totals() override { return totals_ ? &*totals_ : nullptr; }
  int lifecycle_fd() const override { return lifecycle_ ? lifecycle_->epoll_fd() : -1; }
  uint32_t syscall_rows_used() const override { return syscalls_ ? syscalls_->rows_used() : 0; }
  absl::StatusOr<uint64_t> UntimedSyscalls() const override {
    return syscalls_ ? syscalls_->Untimed() : 0;
  }
  absl::StatusOr<int> PollLifecycle(
      absl::Duration timeout, absl::FunctionRef<void(const LifecycleEvent&)> handler) override {
    if (lifecycle_) return lifecycle_->Poll(timeout, handler);
    absl::SleepFor(timeout);
    return 0;
  }
  absl::StatusOr<std::vector<ProbeLoss>> Losses() const override;
  absl::Status SetEffort(const Effort& effort) override;
  uint64_t RunTimeNs() const override {
    uint64_t sum = 0;
    for (const LoadedBpfObject& object : objects_) sum += object.RunTimeNs();
    return sum;
  }

 private:
  using Open = absl::FunctionRef<absl::Status(LoadedBpfObject&)>;

  struct LossCounters {
    std::vector<std::string> names;
    std::function<absl::StatusOr<std::vector<uint64_t>>()> read;
  };

  // Loads an object, readies its maps with `open` and sets its probes; failures go to the report.
  void LoadObject(BpfObject object, const ProbeOptions& options, Open open);
  // The loss counters of a table or ring, which stays where it is.
  template <typename Reader>
  void AddLosses(absl::Span<const char* const> names, const Reader& reader) {
    losses_.push_back({{names.begin(), names.end()}, [&reader] { return reader.Losses(); }});
  }

  // Nothing where the object is not there.
  absl::Status SetAttached(BpfObject object, std::string_view probe, bool on);
  absl::Status TimeSyscalls(bool on);
  absl::Status CaptureRequests(uint32_t one_in);

  // The map by which a program that is attached already goes on to that of requests; else -1.
  int BeforeFd(const ProbeAlternative& alternative) const;
  void Refuse(absl::Span<const ProbeRow> rows, const std::string& reason);
  void LoadSyscalls(const ProbeOptions& options);
  void LoadLifecycle(const ProbeOptions& options);
  void LoadProcesses(const ProbeOptions& options);
  void LoadTcp(const ProbeOptions& options);
  void LoadUdp(const ProbeOptions& options);
  void LoadRequests(const ProbeOptions& options);

  KernelVersion kernel_;
  KernelCgroups cgroups_;
  ProbeReport report_;
  SyscallTableSize syscall_size_;
  std::vector<LoadedBpfObject> objects_;
  std::optional<SyscallTable> syscalls_;
  std::optional<ProcessTable> processes_;
  std::optional<TcpTable> tcp_;
  std::optional<UdpTable> udp_;
  std::optional<ProcessTotalsTable> totals_;
  bpf_object* counting_ = nullptr;     // the object that counts system calls, once it is loaded
  bpf_object* connections_ = nullptr;  // the object of TCP connections
  bpf_object* datagrams_ = nullptr;    // that of UDP
  std::unique_ptr<LifecycleRing> lifecycle_;
  std::unique_ptr<RequestRing> requests_;
  std::vector<LossCounters> losses_;
};

void KernelProbes::LoadObject(BpfObject object, const ProbeOptions& options, Open open) {
  std::vector<ProbeStatus> statuses;
  auto loaded = LoadedBpfObject::Load(
      object, RowsOf(object),
      {.kernel = kernel_, .avoid = options.avoid_hooks, .verify_each = options.dry_run},
      [&](bpf_object* opened) -> absl::Status {
        LL_RETURN_IF_ERROR(ConfigureCgroups(opened, cgroups_));
        LL_RETURN_IF_ERROR(ConfigureObject(object, opened, options, syscall_size_, report_.cpus));
        if (object == BpfObject::kRequests) return RequestRing::Share(connections_, opened);
        if (object != BpfObject::kProcesses || counting_ == nullptr) return absl::OkStatus();
        return ProcessTotalsTable::Share(counting_, opened);
      },
      statuses);
  const absl::Status status = loaded.ok() ? open(*loaded) : loaded.status();
  if (status.ok()) {
    AddMaps(MapsOf(loaded->get(), report_.cpus), report_.maps);
    if (!options.dry_run) {
      loaded->Attach(statuses, [this](const ProbeAlternative& probe) { return BeforeFd(probe); });
    }
    objects_.push_back(*std::move(loaded));
  } else {
    spdlog::debug("probes: {}", StatusMessage(status));
    for (ProbeStatus& probe : statuses) {
      for (AlternativeReport& alternative : probe.alternatives) {
        if (alternative.state == AlternativeReport::State::kRefused) continue;
        alternative.state = AlternativeReport::State::kRefused;
        alternative.reason = StatusMessage(status);
      }
    }
  }
  for (ProbeStatus& probe : statuses) report_.probes.push_back(std::move(probe));
}

absl::Status KernelProbes::Load(const ProbeOptions& asked) {
  ProbeOptions options = asked;
  utsname name = {};
  uname(&name);
  kernel_ = ParseKernelVersion(name.release);
  report_.kernel = name.release;
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 1) {
    Refuse(ProbeTable(), "/sys/devices/system/cpu/possible does not tell the number of CPUs");
    return absl::OkStatus();
  }
  report_.cpus = static_cast<uint32_t>(cpus);
  auto cgroups = FindKernelCgroups(options.hierarchy);
  if (!cgroups.ok()) {
    Refuse(ProbeTable(), std::string(StatusMessage(cgroups.status())));
    return absl::OkStatus();
  }
  cgroups_ = *std::move(cgroups);
  // The maps that requests share with connections are small where nothing is captured.
  if (kernel_ < kRequestsFrom) options.capture_requests = false;

  LL_ASSIGN_OR_RETURN(syscall_size_, FitSyscalls(options, report_.cpus, PidMax()));
  LoadSyscalls(options);
  LoadLifecycle(options);
  LoadProcesses(options);
  LoadTcp(options);
  LoadUdp(options);
  if (asked.capture_requests) {
    LoadRequests(options);
  } else {
    Refuse(RowsOf(BpfObject::kRequests), "is switched off");
  }
  return absl::OkStatus();
}

void KernelProbes::Refuse(absl::Span<const ProbeRow> rows, const std::string& reason) {
  for (const ProbeRow& row : rows) {
    ProbeStatus& status = report_.probes.emplace_back();
    status.name = row.name;
    status.feeds = row.feeds;
    for (const ProbeAlternative& alternative : row.alternatives) {
      status.alternatives.push_back({.hook = std::string(alternative.hook),
                                     .state = AlternativeReport::State::kRefused,
                                     .reason = reason});
    }
  }
}

void KernelProbes::LoadSyscalls(const ProbeOptions& options) {
  const SyscallTableSize& size = syscall_size_;
  LoadObject(BpfObject::kSyscalls, options, [&](LoadedBpfObject& loaded) -> absl::Status {
    LL_ASSIGN_OR_RETURN(syscalls_, SyscallTable::Open(loaded.get(), size));
    AddLosses(kSyscallLossNames, *syscalls_);
    LL_ASSIGN_OR_RETURN(totals_, ProcessTotalsTable::Open(loaded.get(), size.slots, report_.cpus));
    AddLosses(kTotalsLossNames, *totals_);
    counting_ = loaded.get();
    report_.syscall_budget_bytes = options.syscall_budget_bytes;
    report_.syscall_table_bytes = size.table_bytes();
    report_.syscall_rows = size.rows;
    report_.latency_schema = size.schema;
    report_.latency_buckets = LatencyBucketCount(size.schema);
    return absl::OkStatus();
  });
}

void KernelProbes::LoadLifecycle(const ProbeOptions& options) {
  LoadObject(BpfObject::kLifecycle, options, [&](LoadedBpfObject& loaded) -> absl::Status {
    LL_ASSIGN_OR_RETURN(lifecycle_, LifecycleRing::Open(loaded.get(), report_.cpus));
    AddLosses(kLifecycleLossNames, *lifecycle_);
    return absl::OkStatus();
  });
}

void KernelProbes::LoadProcesses(const ProbeOptions& options) {
  LoadObject(BpfObject::kProcesses, options, [&](LoadedBpfObject& loaded) -> absl::Status {
    LL_ASSIGN_OR_RETURN(processes_, ProcessTable::Open(loaded.get(), report_.cpus));
    AddLosses(kProcessLossNames, *processes_);
    return absl::OkStatus();
  });
}

void KernelProbes::LoadTcp(const ProbeOptions& options) {
  LoadObject(BpfObject::kTcp, options, [&](LoadedBpfObject& loaded) -> absl::Status {
    LL_ASSIGN_OR_RETURN(tcp_, TcpTable::Open(loaded.get(), report_.cpus));
    AddLosses(kTcpLossNames, *tcp_);
    connections_ = loaded.get();
    return absl::OkStatus();
  });
  if (!tcp_ || options.dry_run) return;
  const LoadedBpfObject& tcp = objects_.back();
  const absl::Status started = tcp_->Start({.adopt_link_fd = tcp.LinkFd("tcp_adopt"),
                                            .walk_link_fd = tcp.LinkFd("tcp_walk"),
                                            .walk_run_fd = tcp.RunFd("tcp_walk")});
  if (!started.ok()) spdlog::error("connections that are there: {}", StatusMessage(started));
}

void KernelProbes::LoadUdp(const ProbeOptions& options) {
  LoadObject(BpfObject::kUdp, options, [&](LoadedBpfObject& loaded) -> absl::Status {
    LL_ASSIGN_OR_RETURN(udp_, UdpTable::Open(loaded.get(), report_.cpus));
    AddLosses(kUdpLossNames, *udp_);
    datagrams_ = loaded.get();
    return absl::OkStatus();
  });
}

int KernelProbes::BeforeFd(const ProbeAlternative& alternative) const {
  for (const Follower& follower : kFollowers) {
    if (alternative.program != follower.program || datagrams_ == nullptr) continue;
    for (const ProbeStatus& probe : report_.probes) {
      if (probe.name == follower.before && probe.attached_by == alternative.hook) {
        return bpf_object__find_map_fd_by_name(datagrams_, follower.map);
      }
    }
  }
  return -1;
}

void KernelProbes::LoadRequests(const ProbeOptions& options) {
  const auto state =
      std::find_if(report_.probes.begin(), report_.probes.end(),
                   [](const ProbeStatus& probe) { return probe.name == "tcp_state"; });
  if (connections_ == nullptr ||
      (!options.dry_run && (state == report_.probes.end() || !state->attached()))) {
    Refuse(RowsOf(BpfObject::kRequests), "is of no use without tcp_state");
    return;
  }
  LoadObject(BpfObject::kRequests, options, [&](LoadedBpfObject& loaded) -> absl::Status {
    LL_ASSIGN_OR_RETURN(requests_,
                        RequestRing::Open(loaded.get(), RequestSize(options, report_.cpus)));
    losses_.push_back({RequestRing::LossNames(), [this] { return requests_->Losses(); }});
    return absl::OkStatus();
  });
  if (!requests_ || options.dry_run) return;
  const absl::Status started = requests_->Start();
  if (!started.ok()) spdlog::error("requests: {}", StatusMessage(started));
}

absl::Status KernelProbes::SetAttached(BpfObject object, std::string_view probe, bool on) {
  for (LoadedBpfObject& loaded : objects_) {
    if (loaded.object() == object) return loaded.SetAttached(probe, on);
  }
  return absl::OkStatus();
}

// Returns count before entries are no longer seen, and until they are again: nothing is missed, and
// what was entered in between counts once.
absl::Status KernelProbes::TimeSyscalls(bool on) {
  if (!syscalls_) return absl::OkStatus();
  if (!on) LL_RETURN_IF_ERROR(SyscallTable::CountReturns(counting_, true));
  LL_RETURN_IF_ERROR(SetAttached(BpfObject::kSyscalls, "syscall_enter", on));
  return on ? SyscallTable::CountReturns(counting_, false) : absl::OkStatus();
}

// Nothing is told while the programs come and go: a part of what a connection says is of no use.
absl::Status KernelProbes::CaptureRequests(uint32_t one_in) {
  if (!requests_) return absl::OkStatus();
  if (one_in == 0) LL_RETURN_IF_ERROR(requests_->Sample(0));
  LL_RETURN_IF_ERROR(SetAttached(BpfObject::kRequests, "", one_in != 0));
  return one_in == 0 ? absl::OkStatus() : requests_->Sample(one_in);
}

absl::Status KernelProbes::SetEffort(const Effort& effort) {
  LL_RETURN_IF_ERROR(TimeSyscalls(effort.times_syscalls));
  // Programs of requests may be gone on to by those of UDP.
  const bool has_requests = effort.requests_one_in != 0;
  LL_RETURN_IF_ERROR(SetAttached(BpfObject::kUdp, "", effort.counts_datagrams || has_requests));
  return CaptureRequests(effort.requests_one_in);
}

absl::StatusOr<std::vector<ProbeLoss>> KernelProbes::Losses() const {
  std::vector<ProbeLoss> losses;
  for (const LossCounters& of_reader : losses_) {
    LL_ASSIGN_OR_RETURN(const std::vector<uint64_t> counts, of_reader.read());
    for (size_t i = 0; i < counts.size(); ++i) losses.push_back({of_reader.names[i], counts[i]});
  }
  if (lifecycle_) losses.push_back({"lifecycle_record_malformed", lifecycle_->malformed()});
  uint64_t skipped = 0;
  for (const LoadedBpfObject& object : objects_) skipped += object.SkippedRuns();
  losses.push_back({"program_run_skipped", skipped});
  return losses;
}

}  // namespace

absl::StatusOr<std::vector<MapReport>> Probes::PlanMaps(const ProbeOptions& options, uint32_t cpus,
                                                        uint32_t pid_max) {
  LL_ASSIGN_OR_RETURN(const SyscallTableSize syscalls, FitSyscalls(options, cpus, pid_max));
  std::vector<MapReport> maps;
  for (auto rows = ProbeTable(); !rows.empty(); rows.remove_prefix(RowsOf(rows[0].object).size())) {
    const BpfObject object = rows[0].object;
    LL_ASSIGN_OR_RETURN(const auto opened,
                        LoadedBpfObject::Open(object, [&](bpf_object* to_configure) {
                          return ConfigureObject(object, to_configure, options, syscalls, cpus);
                        }));
    AddMaps(MapsOf(opened.get(), cpus), maps);
  }
  return maps;
}

absl::StatusOr<std::unique_ptr<Probes>> Probes::Load(const ProbeOptions& options) {
  auto probes = std::make_unique<KernelProbes>();
  LL_RETURN_IF_ERROR(probes->Load(options));
  return probes;
}

}  // namespace leadline::agent::probes
