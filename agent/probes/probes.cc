#include "agent/probes/probes.h"

#include <sys/utsname.h>

#include <fstream>
#include <utility>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "spdlog/spdlog.h"

#include "agent/probes/bpf_object.h"
#include "agent/probes/probe_table.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::agent::probes {
namespace {

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

class KernelProbes final : public Probes {
 public:
  absl::Status Load(const ProbeOptions& options);

  const ProbeReport& report() const override { return report_; }

  void ReadSyscalls(absl::FunctionRef<void(const SyscallCounters&)> handler) override {
    if (syscalls_) syscalls_->Read(handler);
  }
  void Forget(uint64_t cgroup_id) override {
    if (syscalls_) syscalls_->Forget(cgroup_id);
    if (processes_) processes_->Forget(cgroup_id);
  }
  absl::Status ReadProcesses(absl::FunctionRef<void(const ProcessCounters&)> handler) override {
    return processes_ ? processes_->Read(handler) : absl::OkStatus();
  }
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

 private:
  using Open = absl::FunctionRef<absl::Status(LoadedBpfObject&)>;

  // Loads an object, readies its maps with `open` and sets its probes; failures go to the report.
  void LoadObject(BpfObject object, const ProbeOptions& options,
                  const LoadedBpfObject::Configure& configure, Open open,
                  std::optional<LoadedBpfObject>& loaded);

  KernelVersion kernel_;
  ProbeReport report_;
  std::optional<LoadedBpfObject> syscalls_object_;
  std::optional<LoadedBpfObject> lifecycle_object_;
  std::optional<LoadedBpfObject> processes_object_;
  std::optional<SyscallTable> syscalls_;
  std::optional<ProcessTable> processes_;
  std::unique_ptr<LifecycleRing> lifecycle_;
};

void KernelProbes::LoadObject(BpfObject object, const ProbeOptions& options,
                              const LoadedBpfObject::Configure& configure, Open open,
                              std::optional<LoadedBpfObject>& loaded) {
  std::vector<ProbeStatus> statuses;
  auto result = LoadedBpfObject::Load(
      object, RowsOf(object),
      {.kernel = kernel_, .avoid = options.avoid_hooks, .verify_each = options.dry_run}, configure,
      statuses);
  absl::Status status = result.status();
  if (status.ok()) {
    loaded.emplace(*std::move(result));
    status = open(*loaded);
  }
  if (status.ok()) {
    for (MapReport& map : loaded->Maps(report_.cpus)) report_.maps.push_back(std::move(map));
    if (!options.dry_run) loaded->Attach(statuses);
  } else {
    loaded.reset();
    spdlog::warn("probes: {}", StatusMessage(status));
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

absl::Status KernelProbes::Load(const ProbeOptions& options) {
  utsname name = {};
  uname(&name);
  kernel_ = ParseKernelVersion(name.release);
  report_.kernel = name.release;
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 1) return absl::InternalError("cannot tell the number of CPUs");
  report_.cpus = static_cast<uint32_t>(cpus);

  LL_ASSIGN_OR_RETURN(
      const SyscallTableSize size,
      FitSyscallTable(options.syscall_budget_bytes, options.syscall_rows, report_.cpus, PidMax()));
  LoadObject(
      BpfObject::kSyscalls, options,
      [&](bpf_object* object) {
        return SyscallTable::Configure(object, size, options.syscall_timing);
      },
      [&](LoadedBpfObject& loaded) -> absl::Status {
        LL_ASSIGN_OR_RETURN(auto table, SyscallTable::Open(loaded.get(), size));
        syscalls_.emplace(std::move(table));
        report_.syscall_budget_bytes = options.syscall_budget_bytes;
        report_.syscall_table_bytes = size.table_bytes();
        report_.syscall_rows = size.rows;
        report_.latency_schema = size.schema;
        report_.latency_buckets = LatencyBucketCount(size.schema);
        return absl::OkStatus();
      },
      syscalls_object_);
  LoadObject(
      BpfObject::kLifecycle, options,
      [&](bpf_object* object) {
        return LifecycleRing::Configure(object, options.lifecycle_ring_bytes);
      },
      [&](LoadedBpfObject& loaded) -> absl::Status {
        LL_ASSIGN_OR_RETURN(lifecycle_, LifecycleRing::Open(loaded.get(), report_.cpus));
        return absl::OkStatus();
      },
      lifecycle_object_);
  LoadObject(
      BpfObject::kProcesses, options,
      [&](bpf_object* object) { return ProcessTable::Configure(object, options.process_rows); },
      [&](LoadedBpfObject& loaded) -> absl::Status {
        LL_ASSIGN_OR_RETURN(auto table, ProcessTable::Open(loaded.get(), report_.cpus));
        processes_.emplace(std::move(table));
        return absl::OkStatus();
      },
      processes_object_);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ProbeLoss>> KernelProbes::Losses() const {
  std::vector<ProbeLoss> losses;
  uint64_t skipped = 0;
  if (syscalls_) {
    LL_ASSIGN_OR_RETURN(const std::vector<uint64_t> counts, syscalls_->Losses());
    for (size_t i = 0; i < counts.size(); ++i) losses.push_back({kSyscallLossNames[i], counts[i]});
    skipped += syscalls_object_->SkippedRuns();
  }
  if (lifecycle_) {
    LL_ASSIGN_OR_RETURN(const std::vector<uint64_t> counts, lifecycle_->Losses());
    for (size_t i = 0; i < counts.size(); ++i) {
      losses.push_back({kLifecycleLossNames[i], counts[i]});
    }
    losses.push_back({"lifecycle_record_malformed", lifecycle_->malformed()});
    skipped += lifecycle_object_->SkippedRuns();
  }
  if (processes_) {
    LL_ASSIGN_OR_RETURN(const std::vector<uint64_t> counts, processes_->Losses());
    for (size_t i = 0; i < counts.size(); ++i) losses.push_back({kProcessLossNames[i], counts[i]});
    skipped += processes_object_->SkippedRuns();
  }
  losses.push_back({"program_run_skipped", skipped});
  return losses;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Probes>> Probes::Load(const ProbeOptions& options) {
  auto probes = std::make_unique<KernelProbes>();
  LL_RETURN_IF_ERROR(probes->Load(options));
  return probes;
}

}  // namespace leadline::agent::probes
