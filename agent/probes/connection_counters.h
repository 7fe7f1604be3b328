// What the sockets of a cgroup did with one peer, as the tables of TCP and UDP have it.
//
// Plain values.
#pragma once

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/span.h"

#include "agent/probes/syscall_table.h"
#include "bpf/shared/connections.h"
#include "common/ip_address.h"
#include "common/status_macros.h"

namespace leadline::agent::probes {

// Ephemeral ports are not told apart, so a peer is one however often it connects.
struct ConnectionPeer {
  enum class Role : uint8_t { kClient = CONNECTION_CLIENT, kServer = CONNECTION_SERVER };
  Role role = Role::kClient;  // of the cgroup's side
  bool other = false;         // all that have no row of their own; the rest is 0
  uint16_t local_port = 0;    // of a server, else 0
  uint16_t remote_port = 0;   // of a client's peer, else 0
  IpAddress remote = {};      // all 0 without a peer

  bool operator==(const ConnectionPeer&) const = default;
  template <typename H>
  friend H AbslHashValue(H state, const ConnectionPeer& peer) {
    return H::combine(std::move(state), peer.role, peer.other, peer.local_port, peer.remote_port,
                      peer.remote);
  }
};

// Cumulative since the agent's start; none falls but `open`.
struct ConnectionCounters {
  uint64_t cgroup_id = 0;  // on the v2 hierarchy; 0 in the machine's ~other rows
  ConnectionPeer peer;
  bool last = false;               // the row is given up after this: see Forget
  absl::Span<const __u64> counts;  // by tcp_count or udp_count
  // Of TCP only. The rest is 0 for UDP.
  uint64_t open = 0;  // connections that are open now
  int rtt_schema = 0;
  uint64_t rtt_sum_us = 0;
  absl::Span<const HistogramBucket> rtt_buckets;  // ascending, none empty
};

// False when the role is unknown; `out` then holds nothing of use.
bool DecodeConnectionKey(const connection_key& key, ConnectionCounters& out);

// This process as the kernel numbers it, whose sockets are nobody's workload. 0 in a pid namespace
// of its own: then they count as those of its cgroup.
uint32_t AgentTgid();

// What no cgroup has a row for, by role.
inline constexpr uint32_t kMachinesOtherRows = 2;

template <typename Rows>
absl::Status AddMachinesOtherRows(Rows& rows) {
  for (const uint8_t role : {CONNECTION_CLIENT, CONNECTION_SERVER}) {
    connection_key key = {};
    key.role = role;
    key.other = 1;
    LL_RETURN_IF_ERROR(rows.Add(key));
  }
  return absl::OkStatus();
}

}  // namespace leadline::agent::probes
