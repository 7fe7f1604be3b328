// Requests by cgroup and key: the rows that records become.
//
// A cgroup has at most Limits::rows rows with a target of their own, all together Limits::all_rows;
// what comes beyond counts with the target `~other`, and, when there are as many of those again,
// with nothing but protocol and side. A record that is counted allocates nothing where its row is
// there.
//
// Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"

#include "agent/protocols/base/record.h"
#include "agent/requests/by_request.h"
#include "agent/requests/request_key.h"

namespace leadline::agent::requests {

class RequestRows {
 public:
  struct Limits {
    size_t rows = 256;  // of a cgroup
    size_t all_rows = 16384;
  };
  // Requests that are not in a row of their own, or in none.
  enum Loss : uint8_t {
    kTargetCapped,  // counted under ~other
    kNoResponse,    // its response was not seen: not counted, since nothing says how long it took
    kLossCount,
  };

  explicit RequestRows(const Limits& limits) : limits_(limits) {}

  // Counts `weight` times: once for each request that is like it and was not captured, too.
  void Add(uint64_t cgroup_id, const protocols::base::RequestRecord& record, uint32_t weight = 1);

  // Hands out every row.
  void Read(absl::FunctionRef<void(const RequestCounters&)> handler);
  // The cgroup has ended: the next Read hands its rows out a last time.
  void Forget(uint64_t cgroup_id) { forgotten_.insert(cgroup_id); }

  uint64_t losses(Loss loss) const { return losses_[loss]; }
  size_t size() const { return size_; }

 private:
  struct Row {
    uint64_t duration_ns = 0;
    std::vector<HistogramBucket> buckets;  // ascending by index
  };
  using Workload = ByRequest<Row>;
  // A row that was found lately, which most records that come are of.
  struct Recent {
    uint64_t cgroup_id = 0;
    Workload::value_type* row = nullptr;
  };

  Row& RowOf(uint64_t cgroup_id, const RequestKey& key, uint64_t fingerprint);
  Row& FindRow(uint64_t cgroup_id, const RequestKey& key, Recent& recent);

  const Limits limits_;
  std::array<Recent, 256> recent_{};                   // none once a row has come or gone
  size_t size_ = 0;                                    // rows
  absl::flat_hash_map<uint64_t, Workload> workloads_;  // by cgroup
  absl::flat_hash_set<uint64_t> forgotten_;
  std::array<uint64_t, kLossCount> losses_{};
};

// The bucket of a duration, by schema kRequestSchema. REQUIRES: duration_ns > 0
int32_t RequestBucket(uint64_t duration_ns);

}  // namespace leadline::agent::requests
