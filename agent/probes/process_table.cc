#include "agent/probes/process_table.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fmt/format.h"

#include "agent/probes/bpf_losses.h"
#include "common/status_macros.h"
#include "processes.skel.h"

namespace leadline::agent::probes {
namespace {

// Read at once. A bucket of the kernel's table with more rows than that makes it grow.
constexpr uint32_t kBatchRows = 256;

absl::Status MapError(const char* map, const char* what, int error) {
  return absl::InternalError(
      fmt::format("BPF map {}: cannot {}: {}", map, what, std::strerror(error)));
}

}  // namespace

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

absl::Status ProcessTable::Configure(bpf_object* object, uint32_t rows) {
  bpf_map* map = bpf_object__find_map_by_name(object, "process_rows");
  const uint32_t with_machines_other = rows + PROCESS_EVENT_END - PROCESS_EXEC;
  if (const int error =
          map == nullptr ? -ENOENT : bpf_map__set_max_entries(map, with_machines_other)) {
    return MapError("process_rows", "set its size", -error);
  }
  bpf_map* rodata_map = bpf_object__find_map_by_name(object, ".rodata");
  processes_bpf::processes_bpf__rodata rodata;
  if (rodata_map == nullptr || bpf_map__value_size(rodata_map) != sizeof(rodata)) {
    return absl::InternalError(
        "BPF object processes: its read-only data is not as in its skeleton");
  }
  size_t initial_bytes = 0;
  std::memcpy(&rodata, bpf_map__initial_value(rodata_map, &initial_bytes), sizeof(rodata));
  rodata.rows_per_cgroup = std::max(rows / 4, 1U);
  if (const int error = bpf_map__set_initial_value(rodata_map, &rodata, sizeof(rodata))) {
    return MapError(".rodata", "set its value", -error);
  }
  return absl::OkStatus();
}

absl::StatusOr<ProcessTable> ProcessTable::Open(bpf_object* object, uint32_t cpus) {
  ProcessTable table;
  table.rows_fd_ = bpf_object__find_map_fd_by_name(object, "process_rows");
  table.losses_fd_ = bpf_object__find_map_fd_by_name(object, "process_losses");
  table.cpus_ = cpus;
  if (table.rows_fd_ < 0 || table.losses_fd_ < 0) {
    return absl::InternalError("BPF object processes: no map process_rows or process_losses");
  }
  for (uint32_t event = PROCESS_EXEC; event < PROCESS_EVENT_END; ++event) {
    process_key key = {.command = PROCESS_COMMAND_OTHER};
    key.event = event;
    const process_counters none = {};
    if (bpf_map_update_elem(table.rows_fd_, &key, &none, BPF_NOEXIST) != 0) {
      return MapError("process_rows", "add the machine's ~other row", errno);
    }
  }
  return table;
}

absl::Status ProcessTable::CollectRows() {
  keys_.clear();
  counters_.clear();
  uint32_t batch = kBatchRows;
  uint32_t position = 0;  // the kernel's
  for (bool more = true, first = true; more;) {
    const size_t have = keys_.size();
    keys_.resize(have + batch);
    counters_.resize(have + batch);
    uint32_t count = batch;
    const bool failed = bpf_map_lookup_batch(rows_fd_, first ? nullptr : &position, &position,
                                             &keys_[have], &counters_[have], &count, nullptr) != 0;
    const int error = failed ? errno : 0;
    if (error == ENOSPC && count == 0) {
      batch *= 2;
      keys_.resize(have);
      counters_.resize(have);
      continue;
    }
    if (error != 0 && error != ENOENT) {
      keys_.clear();
      counters_.clear();
      return MapError("process_rows", "read it", error);
    }
    keys_.resize(have + count);
    counters_.resize(have + count);
    more = error == 0;
    first = false;
  }
  return absl::OkStatus();
}

absl::Status ProcessTable::Read(absl::FunctionRef<void(const ProcessCounters&)> handler) {
  LL_RETURN_IF_ERROR(CollectRows());
  rows_used_ = static_cast<uint32_t>(keys_.size());
  absl::Status status;
  for (size_t i = 0; i < keys_.size(); ++i) {
    ProcessCounters row;
    row.last = forgotten_.contains(keys_[i].cgroup);
    if (DecodeProcessRow(keys_[i], counters_[i], row) && row.count != 0) handler(row);
    if (row.last && bpf_map_delete_elem(rows_fd_, &keys_[i]) != 0) {
      status = MapError("process_rows", "delete a row", errno);
    }
  }
  forgotten_.clear();
  return status;
}

absl::StatusOr<std::vector<uint64_t>> ProcessTable::Losses() const {
  return ReadPerCpuCounters(losses_fd_, PROCESS_LOSS_COUNT, cpus_, "process_losses");
}

}  // namespace leadline::agent::probes
