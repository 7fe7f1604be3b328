#include "agent/aggregate/connection_series.h"

#include <string>

#include "agent/aggregate/growth.h"

namespace leadline::agent::aggregate {
namespace {

using catalogue::Metric;
using probes::ConnectionPeer;

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

LabelSet PeerLabels(const ConnectionPeer& peer, std::string_view reason = {}) {
  const bool is_server = peer.role == ConnectionPeer::Role::kServer;
  LabelSet labels{{"role", is_server ? "server" : "client"}};
  labels.Set("remote_address", peer.other ? "~other" : peer.RemoteAddress());
  if (peer.local_port != 0) labels.Set("local_port", std::to_string(peer.local_port));
  if (peer.remote_port != 0) labels.Set("remote_port", std::to_string(peer.remote_port));
  labels.Set("reason", reason);
  return labels;
}

}  // namespace

TcpSeries::TcpSeries() : ConnectionSeries(kTcpColumns) {}
UdpSeries::UdpSeries() : ConnectionSeries(kUdpColumns) {}

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
  for (auto& [peer, series] : owner->second) RecordPeer(peer, series, subject, recorder);
}

void ConnectionSeries::RecordPeer(const Peer& peer, PeerSeries& series, const Subject& subject,
                                  Recorder& recorder) {
  const auto labels_for = [&](const SeriesSlot& slot, std::string_view reason = {}) {
    return slot.ref ? LabelSet() : PeerLabels(peer, reason);
  };
  const Totals& totals = series.totals;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto& [metric, reason, microseconds] = columns_[i];
    SeriesSlot& slot = series.counts[i];
    const uint64_t count = totals.counts[i];
    if (count == 0) continue;
    if (microseconds) {
      recorder.Add(slot, metric, subject, static_cast<double>(count) / 1e6,
                   labels_for(slot, reason));
    } else {
      recorder.Add(slot, metric, subject, count, labels_for(slot, reason));
    }
  }
  if (series.ever_open) {
    recorder.Add(series.open, Metric::kContainerTcpConnections, subject, totals.open,
                 labels_for(series.open));
  }
  if (totals.rtt_buckets.empty()) return;
  const HistogramView histogram{.schema = rtt_schema_,
                                .sum = static_cast<double>(totals.rtt_sum_us) / 1e6,
                                .buckets = totals.rtt_buckets};
  recorder.AddHistogram(series.rtt, Metric::kContainerTcpRtt, subject, histogram,
                        labels_for(series.rtt));
}

}  // namespace leadline::agent::aggregate
