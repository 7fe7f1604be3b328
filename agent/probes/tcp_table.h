// TCP connections by cgroup, role and peer, as the kernel counts them.
//
// A row is what its closed connections counted; what those that are open have counted so far is
// read from their sockets at each Read and added. Counters are cumulative since the agent's start
// and never fall. Of connections that are older than the agent counts what they did since.
// Bounds: `rows` rows, of which a cgroup may take a quarter for each role; further peers count in
// its ~other row, and where that cannot be had in the machine's (cgroup 0). There are places for
// twice as many open connections as `connections`, rounded up to a power of two, so that one finds
// a place among the few that are its own; one that finds none is counted when it ends, without its
// lifetime. See tcp_loss in bpf/shared/connections.h.
//
// Start, Read and Forget belong to one thread; Losses may be called from any.
#pragma once

#include <bpf/libbpf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/probes/bpf_map_memory.h"
#include "agent/probes/cgroup_rows.h"
#include "agent/probes/connection_counters.h"
#include "bpf/shared/connections.h"

namespace leadline::agent::probes {

class TcpTable {
 public:
  // Sets the sizes of an object that is not yet loaded. REQUIRES: rows > 0, connections > 0. The
  // sockets of process `agent_tgid` do not count; see AgentTgid.
  static absl::Status Configure(bpf_object* object, uint32_t rows, uint32_t connections,
                                uint32_t agent_tgid);

  // The loaded object has to outlive this.
  static absl::StatusOr<TcpTable> Open(bpf_object* object, uint32_t cpus);

  // What goes over connections: links of iterators, and a program to run. They have to outlive
  // this; -1 for one that is missing.
  struct Walks {
    int adopt_link_fd = -1;  // tcp_adopt; without it there are no older connections
    // tcp_walk, one way or the other; without it open connections are counted when they end.
    int walk_link_fd = -1;
    int walk_run_fd = -1;
  };

  // Once, when the probes are attached: takes in the connections that are there.
  absl::Status Start(const Walks& walks);

  // Every row that counted something. The row is valid during the call only. After an error what
  // was not handed out is there for the next Read.
  absl::Status Read(absl::FunctionRef<void(const ConnectionCounters&)> handler);

  // The cgroup has ended: the next Read hands its rows out a last time and frees them.
  void Forget(uint64_t cgroup_id) { rows_.Forget(cgroup_id); }

  // By tcp_loss, since the start.
  absl::StatusOr<std::vector<uint64_t>> Losses() const;

 private:
  using Figures = std::array<__u64, TCP_FIGURE_END>;
  using Key = std::pair<uint64_t, ConnectionPeer>;  // by cgroup

  struct Live {
    Figures figures{};
    uint64_t open = 0;
  };

  TcpTable() = default;
  // What the open connections have counted, to walked_.
  absl::Status Walk();
  absl::Status WalkByRuns();
  absl::Status GatherLive();
  void HandOut(const tcp_counters& counters, ConnectionCounters& row);

  CgroupRows<connection_key, tcp_counters> rows_;
  int losses_fd_ = -1;
  uint32_t cpus_ = 0;
  Walks walks_;
  uint32_t places_ = 0;  // of connections
  BpfMapMemory found_;   // by a run, TCP_WALK_PLACES of tcp_live
  int32_t first_rtt_index_ = 0;
  std::vector<std::byte> walked_;        // tcp_live, one behind the other
  absl::flat_hash_map<Key, Live> live_;  // of the read under way
  // A connection that ended between the reading of the rows and the walk is in neither: the
  // figures are then those of the read before.
  absl::flat_hash_map<Key, Figures> handed_out_;
  std::array<__u64, TCP_COUNT_END> counts_{};  // of the row that is handed out
  std::vector<HistogramBucket> rtt_buckets_;
};

}  // namespace leadline::agent::probes
