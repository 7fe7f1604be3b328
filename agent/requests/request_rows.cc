#include "agent/requests/request_rows.h"

#include <algorithm>
#include <cmath>

namespace leadline::agent::requests {
namespace {

using protocols::base::RecordKind;
using protocols::base::RequestRecord;

// 2^(i/8 - 1): the upper bounds of an octave's buckets, of what frexp() calls its fraction.
constexpr double kFractions[] = {0.5,
                                 0.5452538663326288,
                                 0.5946035575013605,
                                 0.6484197773255048,
                                 0.7071067811865475,
                                 0.7711054127039704,
                                 0.8408964152537144,
                                 0.9170040432046711};
static_assert(std::size(kFractions) == 1U << kRequestSchema);

// When it was over, as far as that was seen; 0 when nothing says it.
uint64_t EndOf(const RequestRecord& record) {
  if (record.response_last_ns != 0) return record.response_last_ns;
  if (record.response_first_ns != 0) return record.response_first_ns;
  return record.error.empty() ? 0 : record.request_last_ns;
}

RequestKey KeyOf(const RequestRecord& record) {
  return {.kind = record.kind,
          .side = record.side,
          .protocol = ProtocolName(record.protocol),
          .operation = record.operation,
          .target = record.kind == RecordKind::kDb ? record.summary : record.target,
          .status = record.status,
          .error = record.error};
}

}  // namespace

int32_t RequestBucket(uint64_t duration_ns) {
  int exponent = 0;
  const double fraction = std::frexp(static_cast<double>(duration_ns) / 1e9, &exponent);
  const double* bound = std::lower_bound(std::begin(kFractions), std::end(kFractions), fraction);
  return static_cast<int32_t>(bound - std::begin(kFractions)) +
         (exponent - 1) * (1 << kRequestSchema);
}

void RequestRows::Add(uint64_t cgroup_id, const RequestRecord& record) {
  const uint64_t end_ns = EndOf(record);
  if (end_ns == 0 || record.request_first_ns == 0) {
    ++losses_[kNoResponse];
    return;
  }
  const uint64_t duration_ns =
      end_ns > record.request_first_ns ? end_ns - record.request_first_ns : 1;
  Row& row = RowOf(workloads_[cgroup_id], KeyOf(record));
  row.duration_ns += duration_ns;
  const int32_t index = RequestBucket(duration_ns);
  auto bucket = std::lower_bound(row.buckets.begin(), row.buckets.end(), index,
                                 [](const HistogramBucket& b, int32_t i) { return b.index < i; });
  if (bucket == row.buckets.end() || bucket->index != index) {
    bucket = row.buckets.insert(bucket, {.index = index});
  }
  ++bucket->count;
}

RequestRows::Row& RequestRows::RowOf(Workload& workload, const RequestKey& key) {
  const auto row = FindOrCap(workload, key, [&](size_t times) {
    return workload.size() < times * limits_.rows && size_ < times * limits_.all_rows;
  });
  if (row.is_new) ++size_;
  if (row.is_capped) ++losses_[kTargetCapped];
  return row.value;
}

void RequestRows::Read(absl::FunctionRef<void(const RequestCounters&)> handler) {
  for (const auto& [cgroup_id, workload] : workloads_) {
    const bool last = forgotten_.contains(cgroup_id);
    for (const auto& [key, row] : workload) {
      RequestCounters counters{.cgroup_id = cgroup_id,
                               .last = last,
                               .duration_ns = row.duration_ns,
                               .buckets = row.buckets};
      CopyRequestKey(key, counters.key);
      handler(counters);
    }
  }
  for (const uint64_t cgroup_id : forgotten_) {
    const auto found = workloads_.find(cgroup_id);
    if (found == workloads_.end()) continue;
    size_ -= found->second.size();
    workloads_.erase(found);
  }
  forgotten_.clear();
}

}  // namespace leadline::agent::requests
