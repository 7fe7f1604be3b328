#include "agent/probes/process_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/probes/bpf_losses.h"
#include "common/status_macros.h"
#include "processes.skel.h"

namespace leadline::agent::probes {

bool DecodeProcessRow(const process_key& key, const process_counters& counters,
                      ProcessCounters& out) {
  if (key.event < PROCESS_EXEC || key.event >= PROCESS_EVENT_END) return false;
  out.cgroup_id = key.cgroup;
  out.command = std::string_view(key.command, strnlen(key.command, sizeof(key.command)));
  out.event = static_cast<ProcessCounters::Event>(key.event);
  out.status = key.status;
  out.count = counters.count;
  out.cpu_ns = counters.cpu_ns;
  return true;
}

absl::Status ProcessTable::Configure(bpf_object* object, uint32_t rows, uint32_t thread_slots) {
  const uint32_t with_machines_other = rows + PROCESS_EVENT_END - PROCESS_EXEC;
  LL_RETURN_IF_ERROR(SetMapEntries(object, "process_rows", with_machines_other));
  return EditReadOnlyData<processes_bpf::processes_bpf__rodata>(object, [&](auto& rodata) {
    rodata.rows_per_cgroup = std::max(rows / 4, 1U);
    rodata.slot_mask = thread_slots - 1;
  });
}

absl::StatusOr<ProcessTable> ProcessTable::Open(bpf_object* object, uint32_t cpus) {
  ProcessTable table;
  table.losses_fd_ = bpf_object__find_map_fd_by_name(object, "process_losses");
  table.cpus_ = cpus;
  LL_ASSIGN_OR_RETURN(table.rows_, Rows::Open(object, "process_rows"));
  for (uint32_t event = PROCESS_EXEC; event < PROCESS_EVENT_END; ++event) {
    process_key machines_other = {.command = PROCESS_COMMAND_OTHER};
    machines_other.event = event;
    LL_RETURN_IF_ERROR(table.rows_.Add(machines_other));
  }
  return table;
}

absl::Status ProcessTable::Read(absl::FunctionRef<void(const ProcessCounters&)> handler) {
  return rows_.Read([&](const process_key& key, const process_counters& counters, bool last) {
    ProcessCounters row;
    row.last = last;
    if (DecodeProcessRow(key, counters, row) && row.count != 0) handler(row);
  });
}

absl::StatusOr<std::vector<uint64_t>> ProcessTable::Losses() const {
  return ReadPerCpuCounters(losses_fd_, PROCESS_LOSS_COUNT, cpus_, "process_losses");
}

}  // namespace leadline::agent::probes
