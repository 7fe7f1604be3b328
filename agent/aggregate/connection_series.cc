#include "agent/aggregate/connection_series.h"

#include "agent/aggregate/growth.h"

namespace leadline::agent::aggregate {
namespace {

using catalogue::Metric;

constexpr ConnectionSeries::Column kTcpColumns[] = {
    {Metric::kContainerTcpSentBytes},
    {Metric::kContainerTcpReceivedBytes},
    {Metric::kContainerTcpSentSegments},
    {Metric::kContainerTcpReceivedSegments},
    {Metric::kContainerTcpRetransmits},
    {Metric::kContainerTcpConnects},
    {Metric::kContainerTcpAccepts},
    {Metric::kContainerTcpClosed},
    {Metric::kContainerTcpLifetime, "", /*microseconds=*/true},
    {Metric::kContainerTcpConnectFailures, "refused"},
    {Metric::kContainerTcpConnectFailures, "timed_out"},
    {Metric::kContainerTcpConnectFailures, "unreachable"},
    {Metric::kContainerTcpConnectFailures, "aborted"},
    {Metric::kContainerTcpConnectFailures, "other"},
    {Metric::kContainerTcpConnectionFailures, "reset"},
    {Metric::kContainerTcpConnectionFailures, "timed_out"},
    {Metric::kContainerTcpConnectionFailures, "unreachable"},
    {Metric::kContainerTcpConnectionFailures, "other"},
};
static_assert(std::size(kTcpColumns) == TCP_COUNT_END);

constexpr ConnectionSeries::Column kUdpColumns[] = {
    {Metric::kContainerUdpSentBytes},
    {Metric::kContainerUdpReceivedBytes},
    {Metric::kContainerUdpSentDatagrams},
    {Metric::kContainerUdpReceivedDatagrams},
};
static_assert(std::size(kUdpColumns) == UDP_COUNT_END);

}  // namespace

TcpSeries::TcpSeries(EdgeEntities& edges) : ConnectionSeries("tcp", kTcpColumns, edges) {}
UdpSeries::UdpSeries(EdgeEntities& edges) : ConnectionSeries("udp", kUdpColumns, edges) {}

bool ConnectionSeries::Fold(EntityRef owner, const probes::ConnectionCounters& row) {
  Totals& seen = seen_[row.cgroup_id][row.peer];
  PeerSeries& series = SeriesOf(owners_[owner], row.peer);
  seen.counts.resize(columns_.size());
  series.totals.counts.resize(columns_.size());
  series.counts.resize(columns_.size());
  bool grew = false;
  for (size_t i = 0; i < columns_.size(); ++i) {
    grew |= AddGrowth(row.counts[i], seen.counts[i], series.totals.counts[i]);
  }
  // What is open may fall; the difference is added all the same.
  AddGrowth(row.last ? 0 : row.open, seen.open, series.totals.open);
  series.ever_open |= row.open != 0;
  AddGrowth(row.rtt_sum_us, seen.rtt_sum_us, series.totals.rtt_sum_us);
  grew |= AddGrowth(row.rtt_buckets, seen.rtt_buckets, series.totals.rtt_buckets);
  if (row.rtt_schema != 0) rtt_schema_ = row.rtt_schema;
  return grew;
}

ConnectionSeries::PeerSeries& ConnectionSeries::SeriesOf(ByPeer<PeerSeries>& owner,
                                                         const Peer& peer) {
  if (const auto found = owner.find(peer); found != owner.end()) return found->second;
  if (owner.size() < kPeersMax) return owner[peer];
  return owner[Peer{.role = peer.role, .other = true}];
}

void ConnectionSeries::Record(const Subject& subject, Recorder& recorder) {
  const auto owner = owners_.find(subject.entity);
  if (owner == owners_.end()) return;
  for (auto& [peer, series] : owner->second) {
    RecordEdge(series, edges_.Define(transport_, peer, subject, series.edge), recorder);
  }
}

void ConnectionSeries::RecordEdge(PeerSeries& series, const Subject& edge, Recorder& recorder) {
  const Totals& totals = series.totals;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto& [metric, reason, microseconds] = columns_[i];
    SeriesSlot& slot = series.counts[i];
    const uint64_t count = totals.counts[i];
    if (count == 0) continue;
    LabelSet labels;
    if (!slot.ref) labels.Set("reason", reason);
    if (microseconds) {
      recorder.Add(slot, metric, edge, static_cast<double>(count) / 1e6, labels);
    } else {
      recorder.Add(slot, metric, edge, count, labels);
    }
  }
  if (series.ever_open) {
    recorder.Add(series.open, Metric::kContainerTcpConnections, edge, totals.open);
  }
  if (totals.rtt_buckets.empty()) return;
  const HistogramView histogram{.schema = rtt_schema_,
                                .sum = static_cast<double>(totals.rtt_sum_us) / 1e6,
                                .buckets = totals.rtt_buckets};
  recorder.AddHistogram(series.rtt, Metric::kContainerTcpRtt, edge, histogram);
}

void ConnectionSeries::Forget(EntityRef owner) {
  const auto found = owners_.find(owner);
  if (found == owners_.end()) return;
  for (const auto& [peer, series] : found->second) edges_.Forget(series.edge);
  owners_.erase(found);
}

}  // namespace leadline::agent::aggregate
