// Connections by owner, role and peer: folds what the kernel counted by cgroup into counters of
// edges.
//
// Like SyscallSeries: the kernel's rows are cumulative by cgroup, an owner may have several that
// come and go, so growth is added. An owner has at most kPeersMax edges beside its two `~other`,
// one a role, in which further peers count. A count has a series once it is not 0.
//
// Not thread-safe. Allocates only for a peer, bucket or owner seen for the first time.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

#include "agent/aggregate/edge_entities.h"
#include "agent/aggregate/recorder.h"
#include "agent/probes/connection_counters.h"
#include "catalogue/metrics.h"

namespace leadline::agent::aggregate {

class ConnectionSeries {
 public:
  static constexpr size_t kPeersMax = 512;

  // What a member of ConnectionCounters::counts becomes.
  struct Column {
    catalogue::Metric metric;
    std::string_view reason = {};  // a label; "" for none
    bool microseconds = false;     // given as seconds
  };

  // A column for each of the rows' counts. `edges` outlives it.
  ConnectionSeries(std::string_view transport, absl::Span<const Column> columns,
                   EdgeEntities& edges)
      : transport_(transport), columns_(columns), edges_(edges) {}

  // Adds the growth of a row to the counters of `owner`, to which its cgroup belongs; false when it
  // has not grown.
  bool Fold(EntityRef owner, const probes::ConnectionCounters& row);

  // Writes the counters of an owner's edges, which take their labels from `subject.owner`; nothing
  // for one without connections.
  void Record(const Subject& subject, Recorder& recorder);

  // The cgroup's rows are gone from the kernel; what they counted stays with the owner.
  void ForgetCgroup(uint64_t cgroup_id) { seen_.erase(cgroup_id); }
  void Forget(EntityRef owner);

 private:
  using Peer = probes::ConnectionPeer;

  // What was counted so far: of a row as last seen in the kernel, or of an owner's peer in all.
  struct Totals {
    std::vector<uint64_t> counts;  // by column
    uint64_t open = 0;
    uint64_t rtt_sum_us = 0;
    std::vector<HistogramBucket> rtt_buckets;
  };
  struct PeerSeries {
    Totals totals;
    bool ever_open = false;
    EdgeEntities::Edge edge;
    std::vector<SeriesSlot> counts;  // by column
    SeriesSlot open;
    SeriesSlot rtt;
  };
  template <typename Value>
  using ByPeer = absl::flat_hash_map<Peer, Value>;

  static PeerSeries& SeriesOf(ByPeer<PeerSeries>& owner, const Peer& peer);
  void RecordEdge(PeerSeries& series, const Subject& edge, Recorder& recorder);

  const std::string_view transport_;
  const absl::Span<const Column> columns_;
  EdgeEntities& edges_;
  int rtt_schema_ = 0;
  absl::flat_hash_map<uint64_t, ByPeer<Totals>> seen_;  // by cgroup
  absl::flat_hash_map<EntityRef, ByPeer<PeerSeries>> owners_;
};

struct TcpSeries : ConnectionSeries {
  explicit TcpSeries(EdgeEntities& edges);
};

struct UdpSeries : ConnectionSeries {
  explicit UdpSeries(EdgeEntities& edges);
};

}  // namespace leadline::agent::aggregate
