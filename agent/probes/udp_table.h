// UDP by cgroup, role and peer, as the kernel counts it at the calls that send and receive.
//
// Counters are cumulative since the agent's start. A call that sends several datagrams at once
// (UDP_SEGMENT) or receives them as one (UDP_GRO) counts as one. Bounds as those of TcpTable.
//
// Read and Forget belong to one thread; Losses may be called from any.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/probes/cgroup_rows.h"
#include "agent/probes/connection_counters.h"
#include "bpf/shared/connections.h"

namespace leadline::agent::probes {

class UdpTable {
 public:
  // Sets the sizes of an object that is not yet loaded. REQUIRES: rows > 0. The sockets of process
  // `agent_tgid` do not count; see AgentTgid.
  static absl::Status Configure(bpf_object* object, uint32_t rows, uint32_t agent_tgid);

  // The loaded object has to outlive this.
  static absl::StatusOr<UdpTable> Open(bpf_object* object, uint32_t cpus);

  // Every row that counted something. The row is valid during the call only.
  absl::Status Read(absl::FunctionRef<void(const ConnectionCounters&)> handler);

  // The cgroup has ended: the next Read hands its rows out a last time and frees them.
  void Forget(uint64_t cgroup_id) { rows_.Forget(cgroup_id); }

  // By udp_loss, since the start.
  absl::StatusOr<std::vector<uint64_t>> Losses() const;

 private:
  UdpTable() = default;

  CgroupRows<connection_key, udp_counters> rows_;
  int losses_fd_ = -1;
  uint32_t cpus_ = 0;
};

}  // namespace leadline::agent::probes
