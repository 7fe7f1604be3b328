#include "agent/probes/tcp_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "agent/probes/bpf_iterator.h"
#include "agent/probes/bpf_losses.h"
#include "agent/probes/bpf_maps.h"
#include "agent/probes/bpf_run.h"
#include "agent/probes/latency_layout.h"
#include "common/status_macros.h"
#include "tcp.skel.h"

namespace leadline::agent::probes {

static_assert(LatencyBucketCount(TCP_RTT_SCHEMA) == TCP_RTT_BUCKETS);

absl::Status TcpTable::Configure(bpf_object* object, uint32_t rows, uint32_t connections,
                                 uint32_t agent_tgid) {
  LL_RETURN_IF_ERROR(SetMapEntries(object, "tcp_rows", rows + kMachinesOtherRows));
  const uint32_t places = std::bit_ceil(connections) * 2;
  LL_RETURN_IF_ERROR(SetMapEntries(object, "tcp_connections", places));
  const LatencyLayout layout = MakeLatencyLayout(TCP_RTT_SCHEMA);
  return EditReadOnlyData<tcp_bpf::tcp_bpf__rodata>(object, [&](auto& rodata) {
    rodata.agent_tgid = agent_tgid;
    rodata.connection_mask = places - 1;
    rodata.rows_per_cgroup = std::max(rows / 4, 1U);
    std::copy(layout.bounds_ns.begin(), layout.bounds_ns.end(), std::begin(rodata.rtt_bound_ns));
    std::copy(layout.cells.begin(), layout.cells.end(), std::begin(rodata.rtt_bucket_of_cell));
  });
}

absl::StatusOr<TcpTable> TcpTable::Open(bpf_object* object, uint32_t cpus) {
  TcpTable table;
  table.losses_fd_ = bpf_object__find_map_fd_by_name(object, "tcp_losses");
  table.cpus_ = cpus;
  table.first_rtt_index_ = MakeLatencyLayout(TCP_RTT_SCHEMA).first_index;
  LL_ASSIGN_OR_RETURN(table.rows_, decltype(rows_)::Open(object, "tcp_rows"));
  LL_RETURN_IF_ERROR(AddMachinesOtherRows(table.rows_));
  const bpf_map* connections = bpf_object__find_map_by_name(object, "tcp_connections");
  table.places_ = connections == nullptr ? 0 : bpf_map__max_entries(connections);
  LL_ASSIGN_OR_RETURN(table.found_,
                      BpfMapMemory::Map(bpf_object__find_map_fd_by_name(object, "tcp_walked"),
                                        TCP_WALK_PLACES * sizeof(tcp_live), "tcp_walked"));
  return table;
}

absl::Status TcpTable::Start(const Walks& walks) {
  walks_ = walks;
  if (walks.adopt_link_fd < 0) return absl::OkStatus();
  return RunBpfIterator(walks.adopt_link_fd, "tcp_adopt", walked_);
}

absl::Status TcpTable::Walk() {
  walked_.clear();
  if (walks_.walk_link_fd >= 0) return RunBpfIterator(walks_.walk_link_fd, "tcp_walk", walked_);
  return walks_.walk_run_fd >= 0 ? WalkByRuns() : absl::OkStatus();
}

absl::Status TcpTable::WalkByRuns() {
  for (uint32_t first = 0; first < places_; first += TCP_WALK_PLACES) {
    LL_ASSIGN_OR_RETURN(const uint32_t records,
                        RunBpfProgram(walks_.walk_run_fd, "tcp_walk_run", first));
    const size_t found = std::min<size_t>(records, TCP_WALK_PLACES) * sizeof(tcp_live);
    walked_.insert(walked_.end(), found_.data(), found_.data() + found);
  }
  return absl::OkStatus();
}

absl::Status TcpTable::GatherLive() {
  live_.clear();
  LL_RETURN_IF_ERROR(Walk());
  for (size_t at = 0; at + sizeof(tcp_live) <= walked_.size(); at += sizeof(tcp_live)) {
    tcp_live record;
    std::memcpy(&record, &walked_[at], sizeof(record));
    ConnectionCounters row;
    if (!DecodeConnectionKey(record.key, row)) continue;
    Live& live = live_[{row.cgroup_id, row.peer}];
    ++live.open;
    for (size_t i = 0; i < TCP_FIGURE_END; ++i) live.figures[i] += record.figures[i];
  }
  return absl::OkStatus();
}

absl::Status TcpTable::Read(absl::FunctionRef<void(const ConnectionCounters&)> handler) {
  LL_RETURN_IF_ERROR(rows_.Collect());
  const absl::Status walked = GatherLive();
  const absl::Status handed_out =
      rows_.HandOut([&](const connection_key& key, const tcp_counters& counters, bool last) {
        ConnectionCounters row;
        if (!DecodeConnectionKey(key, row)) return;
        row.last = last;
        HandOut(counters, row);
        const bool empty = row.open == 0 && std::all_of(row.counts.begin(), row.counts.end(),
                                                        [](__u64 count) { return count == 0; });
        if (!empty) handler(row);
        if (last) handed_out_.erase({row.cgroup_id, row.peer});
      });
  return walked.ok() ? handed_out : walked;
}

void TcpTable::HandOut(const tcp_counters& counters, ConnectionCounters& row) {
  const Key key(row.cgroup_id, row.peer);
  std::copy(std::begin(counters.counts), std::end(counters.counts), counts_.begin());
  if (const auto live = live_.find(key); live != live_.end()) {
    row.open = live->second.open;
    for (size_t i = 0; i < TCP_FIGURE_END; ++i) counts_[i] += live->second.figures[i];
  }
  Figures& least = handed_out_[key];
  for (size_t i = 0; i < TCP_FIGURE_END; ++i) {
    counts_[i] = least[i] = std::max(least[i], counts_[i]);
  }
  rtt_buckets_.clear();
  for (size_t i = 0; i < TCP_RTT_BUCKETS; ++i) {
    if (counters.rtt_buckets[i] == 0) continue;
    rtt_buckets_.push_back({first_rtt_index_ + static_cast<int32_t>(i), counters.rtt_buckets[i]});
  }
  row.counts = counts_;
  row.rtt_schema = TCP_RTT_SCHEMA;
  row.rtt_sum_us = counters.rtt_sum_us;
  row.rtt_buckets = rtt_buckets_;
}

absl::StatusOr<std::vector<uint64_t>> TcpTable::Losses() const {
  return ReadPerCpuCounters(losses_fd_, TCP_LOSS_COUNT, cpus_, "tcp_losses");
}

}  // namespace leadline::agent::probes
