// What happened to processes, by cgroup and command, as the kernel counts it.
//
// Counters are cumulative since the agent's start and never fall. Bounds: `rows` rows; a cgroup may
// take a quarter of them for one kind of event, further commands count in its ~other row, and where
// that cannot be had in the machine's (cgroup 0); see process_loss in bpf/shared/processes.h. CPU
// time is that of all threads of the process as the scheduler counts it, up to the last tick of the
// timer (1 to 10 ms): of processes that live shorter than that most is missing.
//
// Read and Forget belong to one thread; Losses may be called from any.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/probes/cgroup_rows.h"
#include "bpf/shared/processes.h"

namespace leadline::agent::probes {

struct ProcessCounters {
  enum class Event : uint8_t {
    kExec = PROCESS_EXEC,
    kExit = PROCESS_EXIT,         // of the whole process
    kOomKill = PROCESS_OOM_KILL,  // its exit is counted as well
  };
  uint64_t cgroup_id = 0;    // 0 in the machine's ~other rows
  std::string_view command;  // any bytes; PROCESS_COMMAND_OTHER for what has no row of its own
  Event event = Event::kExec;
  uint32_t status = 0;  // of an exit, as wait4 has it: code << 8, or the signal; 0 in ~other rows
  bool last = false;    // the row is given up after this: see Forget
  uint64_t count = 0;
  uint64_t cpu_ns = 0;  // of exits
};

// False when the row's event is unknown; `out` then holds nothing of use. The command is valid as
// long as `key`.
bool DecodeProcessRow(const process_key& key, const process_counters& counters,
                      ProcessCounters& out);

class ProcessTable {
 public:
  // Sets the sizes of an object that is not yet loaded. `thread_slots`: see ProcessTotalsTable, a
  // power of two. REQUIRES: rows > 0.
  static absl::Status Configure(bpf_object* object, uint32_t rows, uint32_t thread_slots);

  // The loaded object has to outlive this.
  static absl::StatusOr<ProcessTable> Open(bpf_object* object, uint32_t cpus);

  // Every row that counted something. The row is valid during the call only. After an error what
  // was not handed out is there for the next Read.
  absl::Status Read(absl::FunctionRef<void(const ProcessCounters&)> handler);

  // The cgroup has ended: the next Read hands its rows out a last time and frees them.
  void Forget(uint64_t cgroup_id) { rows_.Forget(cgroup_id); }

  // By process_loss, since the start.
  absl::StatusOr<std::vector<uint64_t>> Losses() const;

 private:
  using Rows = CgroupRows<process_key, process_counters>;

  ProcessTable() = default;

  Rows rows_;
  int losses_fd_ = -1;
  uint32_t cpus_ = 0;
};

}  // namespace leadline::agent::probes
