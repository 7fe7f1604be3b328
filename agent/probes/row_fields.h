// The rows and events of the probes, as recordings keep them (agent/record/archive.h).
//
// Here, not beside the structs, so that their headers need no tape. Fields are added at the end
// only: their order is that of recordings.
#pragma once

#include "agent/probes/connection_counters.h"
#include "agent/probes/lifecycle_ring.h"
#include "agent/probes/probes.h"
#include "agent/probes/process_table.h"
#include "agent/probes/process_totals.h"
#include "agent/probes/syscall_table.h"
#include "agent/requests/request_key.h"

namespace leadline::agent {

template <typename Archive>
void Fields(Archive& archive, HistogramBucket& bucket) {
  archive("index", bucket.index, "count", bucket.count);
}

}  // namespace leadline::agent

namespace leadline::agent::requests {

template <typename Archive>
void Fields(Archive& archive, RequestKey& key) {
  archive("kind", key.kind, "side", key.side, "protocol", key.protocol, "operation", key.operation,
          "target", key.target, "status", key.status, "error", key.error);
}
template <typename Archive>
void Fields(Archive& archive, RequestCounters& row) {
  archive("cgroup_id", row.cgroup_id, "last", row.last, "key", row.key, "duration_ns",
          row.duration_ns, "buckets", row.buckets);
}

}  // namespace leadline::agent::requests

namespace leadline::agent::probes {

template <typename Archive>
void Fields(Archive& archive, SyscallCounters& row) {
  archive("cgroup_id", row.cgroup_id, "nr", row.nr, "abi", row.abi, "last", row.last, "calls",
          row.calls, "errors", row.errors, "interrupted", row.interrupted, "unmatched",
          row.unmatched, "time_ns", row.time_ns, "latency_count", row.latency_count,
          "latency_schema", row.latency_schema, "latency_buckets", row.latency_buckets);
}
template <typename Archive>
void Fields(Archive& archive, ProcessCounters& row) {
  archive("cgroup_id", row.cgroup_id, "command", row.command, "event", row.event, "status",
          row.status, "last", row.last, "count", row.count, "cpu_ns", row.cpu_ns);
}
template <typename Archive>
void Fields(Archive& archive, ConnectionPeer& peer) {
  archive("role", peer.role, "other", peer.other, "local_port", peer.local_port, "remote_port",
          peer.remote_port, "remote", peer.remote);
}
template <typename Archive>
void Fields(Archive& archive, ConnectionCounters& row) {
  archive("cgroup_id", row.cgroup_id, "peer", row.peer, "last", row.last, "counts", row.counts,
          "open", row.open, "rtt_schema", row.rtt_schema, "rtt_sum_us", row.rtt_sum_us,
          "rtt_buckets", row.rtt_buckets);
}
template <typename Archive>
void Fields(Archive& archive, ProcessTotals::Class& of_class) {
  archive("calls", of_class.calls, "errors", of_class.errors, "time_ns", of_class.time_ns);
}
template <typename Archive>
void Fields(Archive& archive, ProcessTotals& totals) {
  archive("classes", totals.classes, "run_delay_ns", totals.run_delay_ns, "end_mono_ns",
          totals.end_mono_ns, "cpu_ns", totals.cpu_ns, "user_ns", totals.user_ns, "system_ns",
          totals.system_ns);
}
template <typename Archive>
void Fields(Archive& archive, LifecycleEvent& event) {
  archive("kind", event.kind, "ts_mono_ns", event.ts_mono_ns, "cgroup_id", event.cgroup_id, "path",
          event.path, "truncated", event.truncated);
}
template <typename Archive>
void Fields(Archive& archive, ProbeLoss& loss) {
  archive("reason", loss.reason, "count", loss.count);
}

}  // namespace leadline::agent::probes
