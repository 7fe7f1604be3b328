// Requests by owner: folds what was counted by cgroup into histograms of containers, under
// OpenTelemetry's names.
//
// Like SyscallSeries: rows are cumulative by cgroup, an owner may have several that come and go, so
// growth is added. An owner has at most kRequestsMax series with a target of their own; what comes
// beyond counts under the target `~other`, and when there are as many of those, under nothing but
// protocol and side.
//
// Not thread-safe. Allocates only for a request, bucket or owner seen for the first time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "agent/aggregate/recorder.h"
#include "agent/requests/by_request.h"
#include "agent/requests/request_key.h"
#include "catalogue/metrics.h"
#include "common/labels.h"

namespace leadline::agent::aggregate {

class RequestSeries {
 public:
  static constexpr size_t kRequestsMax = 512;

  // Adds the growth of a row to the counters of `owner`, to which its cgroup belongs; false when it
  // has not grown.
  bool Fold(EntityRef owner, const requests::RequestCounters& row);

  // Writes the histograms of an owner; nothing for one without requests.
  void Record(const Subject& subject, Recorder& recorder);

  // The cgroup's rows are gone; what they counted stays with the owner.
  void ForgetCgroup(uint64_t cgroup_id) { seen_.erase(cgroup_id); }
  void Forget(EntityRef owner) { owners_.erase(owner); }

 private:
  // What was counted so far: of a row as last seen, or of an owner in all.
  struct Totals {
    uint64_t duration_ns = 0;
    std::vector<HistogramBucket> buckets;  // ascending by index
  };
  struct Series {
    Totals totals;
    SeriesSlot slot;
  };

  absl::flat_hash_map<uint64_t, requests::ByRequest<Totals>> seen_;  // by cgroup
  absl::flat_hash_map<EntityRef, requests::ByRequest<Series>> owners_;
};

// The metric of such requests, and its labels; those that have no value are left out.
catalogue::Metric RequestMetric(const requests::OwnedRequestKey& key);
LabelSet RequestLabels(const requests::OwnedRequestKey& key);

}  // namespace leadline::agent::aggregate
