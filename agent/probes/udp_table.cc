#include "agent/probes/udp_table.h"

#include <algorithm>

#include "agent/probes/bpf_losses.h"
#include "agent/probes/bpf_maps.h"
#include "common/status_macros.h"
#include "udp.skel.h"

namespace leadline::agent::probes {

absl::Status UdpTable::Configure(bpf_object* object, uint32_t rows, uint32_t agent_tgid) {
  LL_RETURN_IF_ERROR(SetMapEntries(object, "udp_rows", rows + kMachinesOtherRows));
  return EditReadOnlyData<udp_bpf::udp_bpf__rodata>(object, [&](auto& rodata) {
    rodata.agent_tgid = agent_tgid;
    rodata.rows_per_cgroup = std::max(rows / 4, 1U);
  });
}

absl::StatusOr<UdpTable> UdpTable::Open(bpf_object* object, uint32_t cpus) {
  UdpTable table;
  table.losses_fd_ = bpf_object__find_map_fd_by_name(object, "udp_losses");
  table.cpus_ = cpus;
  LL_ASSIGN_OR_RETURN(table.rows_, decltype(rows_)::Open(object, "udp_rows"));
  LL_RETURN_IF_ERROR(AddMachinesOtherRows(table.rows_));
  return table;
}

absl::Status UdpTable::Read(absl::FunctionRef<void(const ConnectionCounters&)> handler) {
  return rows_.Read([&](const connection_key& key, const udp_counters& counters, bool last) {
    ConnectionCounters row;
    row.last = last;
    row.counts = counters.counts;
    if (!DecodeConnectionKey(key, row)) return;
    if (row.counts[UDP_SENT_DATAGRAMS] + row.counts[UDP_RECEIVED_DATAGRAMS] != 0) handler(row);
  });
}

absl::StatusOr<std::vector<uint64_t>> UdpTable::Losses() const {
  return ReadPerCpuCounters(losses_fd_, UDP_LOSS_COUNT, cpus_, "udp_losses");
}

}  // namespace leadline::agent::probes
