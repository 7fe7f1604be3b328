// The agent's probes in the kernel: loads what the probe table names and reads what it counts.
//
// Units: nanoseconds, CLOCK_MONOTONIC. Bounds: the maps of `report()`; the system call table stays
// within its budget. Errors: a probe that cannot be set is reported and the others go on; Load
// fails only on bad options. A part without probes reads as empty.
// Threading: the reads of tables, Forget and syscall_rows_used belong to one thread, PollLifecycle
// to one, report() and Losses() may be called from any. Probes are detached by the
// destructor. Needs CAP_BPF and CAP_PERFMON; RLIMIT_MEMLOCK only on kernels before 5.11.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "agent/model/cgroup_hierarchy.h"
#include "agent/probes/connection_counters.h"
#include "agent/probes/lifecycle_ring.h"
#include "agent/probes/probe_report.h"
#include "agent/probes/process_table.h"
#include "agent/probes/process_totals.h"
#include "agent/probes/request_ring.h"
#include "agent/probes/syscall_table.h"
#include "agent/requests/request_key.h"

namespace leadline::agent::probes {

struct ProbeOptions {
  CgroupHierarchy hierarchy;  // by whose cgroups is counted
  // For the system call counters, over all CPUs.
  uint64_t syscall_budget_bytes = uint64_t{48} << 20;
  // (cgroup, system call, CPU) rows; rounded up to a power of two, fewer when the budget is small.
  // 0: as many as the containers of 110 pods need.
  uint32_t syscall_rows = 0;
  SyscallTiming syscall_timing;
  uint32_t lifecycle_ring_bytes = 256 << 10;
  // (cgroup, command, event, exit status) rows; 128 bytes each.
  uint32_t process_rows = 8192;
  // (cgroup, role, peer) rows; 760 bytes each.
  uint32_t tcp_rows = 8192;
  // That are open at once; 256 bytes each, and 128 where requests are captured.
  uint32_t tcp_connections = 32768;
  // (cgroup, role, peer) rows; 120 bytes each.
  uint32_t udp_rows = 8192;
  // What goes over TCP connections is captured, for requests. The ring is rounded up to a power of
  // two.
  bool capture_requests = true;
  uint32_t request_ring_bytes = 4 << 20;
  // Those of this process too, as a measurement wants it.
  bool count_own_sockets = false;
  // Slots for threads, rounded up to a power of two; 0: as many as there may be thread ids, but no
  // more than 65,536.
  uint32_t thread_slots = 0;
  // Processes that may be tracked at once, see ProcessTotalsTable.
  uint32_t tracked_processes = 4096;
  // Hooks not to use, by their beginnings as in the report: "tp_btf/", "raw_tp/sys_enter"; or
  // by their program: "process_exit_btf".
  std::vector<std::string> avoid_hooks;
  // Load and verify every alternative of every probe, attach none.
  bool dry_run = false;
};

// What the probes do of all that they could; programs that none of it needs are not attached.
struct Effort {
  uint32_t requests_one_in = 1;  // connections whose requests are told, see RequestRing::Sample
  bool times_syscalls = true;    // else see SyscallTable::CountReturns
  bool counts_datagrams = true;  // UDP; it is counted as long as there are requests
};

// Something that was not counted where it belongs, or not at all.
struct ProbeLoss {
  // As a metric's label: "syscall_row_cgroup_other", "lifecycle_ring_full", ...
  std::string reason;
  uint64_t count = 0;  // since the start
};

class Probes {
 public:
  static absl::StatusOr<std::unique_ptr<Probes>> Load(const ProbeOptions& options);
  virtual ~Probes() = default;

  // The maps that Load would make on a machine with so many possible CPUs and such a pid_max; loads
  // nothing.
  static absl::StatusOr<std::vector<MapReport>> PlanMaps(const ProbeOptions& options, uint32_t cpus,
                                                         uint32_t pid_max);

  virtual const ProbeReport& report() const = 0;

  // Each hands out all rows of a table that counted something (ReadSyscalls: since they were last
  // taken): see SyscallTable, ProcessTable, TcpTable and UdpTable.
  virtual absl::Status ReadSyscalls(absl::FunctionRef<bool(const SyscallCounters&)>) {
    return absl::OkStatus();
  }
  virtual absl::Status ReadProcesses(absl::FunctionRef<void(const ProcessCounters&)>) {
    return absl::OkStatus();
  }
  virtual absl::Status ReadTcp(absl::FunctionRef<void(const ConnectionCounters&)>) {
    return absl::OkStatus();
  }
  virtual absl::Status ReadUdp(absl::FunctionRef<void(const ConnectionCounters&)>) {
    return absl::OkStatus();
  }
  // See RequestRows.
  virtual absl::Status ReadRequests(absl::FunctionRef<void(const requests::RequestCounters&)>) {
    return absl::OkStatus();
  }
  // Of the agent itself: a replay has none.
  virtual std::vector<RequestCount> RequestCounts() const { return {}; }
  virtual size_t request_connections() const { return 0; }
  // nullptr without the probes for it.
  virtual ProcessTotalsSource* process_totals() { return nullptr; }
  // The cgroup has ended: the next read of each table hands its rows out a last time.
  virtual void Forget(uint64_t cgroup_id) = 0;
  // As of the last ReadSyscalls.
  virtual uint32_t syscall_rows_used() const = 0;

  // See SyscallTable; 0 without it.
  virtual absl::StatusOr<uint64_t> UntimedSyscalls() const = 0;

  // Readable when there are lifecycle events; -1 without them.
  virtual int lifecycle_fd() const = 0;
  // See LifecycleRing. Without it waits for the timeout and returns 0.
  virtual absl::StatusOr<int> PollLifecycle(
      absl::Duration timeout, absl::FunctionRef<void(const LifecycleEvent&)> handler) = 0;

  virtual absl::StatusOr<std::vector<ProbeLoss>> Losses() const = 0;

  // How long the programs ran, on all CPUs, while the kernel measured that; any thread.
  virtual uint64_t RunTimeNs() const { return 0; }
  // From now on; any thread, one at a time. An error says what has not changed.
  virtual absl::Status SetEffort(const Effort& /*effort*/) { return absl::OkStatus(); }
};

}  // namespace leadline::agent::probes
