#include "agent/requests/request_rows.h"

#include <algorithm>
#include <bit>

namespace leadline::agent::requests {
namespace {

using protocols::base::RecordKind;
using protocols::base::RequestRecord;

// 2^(i/8 - 1): the upper bounds of an octave's buckets, of the fraction of a number that is
// fraction * 2^exponent, from 0.5 on and below 1.
constexpr double kFractions[] = {0.5,
                                 0.5452538663326288,
                                 0.5946035575013605,
                                 0.6484197773255048,
                                 0.7071067811865475,
                                 0.7711054127039704,
                                 0.8408964152537144,
                                 0.9170040432046711};
static_assert(std::size(kFractions) == 1U << kRequestSchema);

// Of a double (IEEE 754): of such a fraction is the exponent kHalf, in kMantissaBits and up.
constexpr uint64_t kMantissaBits = 52;
constexpr uint64_t kHalf = 1022;
constexpr uint64_t kMantissa = (uint64_t{1} << kMantissaBits) - 1;

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

// Where to look for a row first. Texts of operations are in tables, so their addresses tell them
// apart.
size_t Scatter(uint64_t cgroup_id, const RequestKey& key, uint64_t fingerprint) {
  constexpr uint64_t kMix = 0x9E3779B97F4A7C15;
  uint64_t hash = fingerprint + reinterpret_cast<uintptr_t>(key.operation.data());
  hash = hash * kMix + cgroup_id * 2 + static_cast<uint64_t>(key.side);
  for (const char c : key.status) hash = hash * 31 + static_cast<unsigned char>(c);
  return (hash * kMix) >> 32;
}

}  // namespace

// What frexp() and a search do, without calls and branches.
int32_t RequestBucket(uint64_t duration_ns) {
  const auto bits = std::bit_cast<uint64_t>(static_cast<double>(duration_ns) / 1e9);
  const auto fraction = std::bit_cast<double>((bits & kMantissa) | kHalf << kMantissaBits);
  int32_t below = 0;
  for (const double bound : kFractions) below += bound < fraction ? 1 : 0;
  const auto exponent = static_cast<int32_t>(bits >> kMantissaBits) - int32_t{kHalf};
  return below + (exponent - 1) * (1 << kRequestSchema);
}

void RequestRows::Add(uint64_t cgroup_id, const RequestRecord& record, uint32_t weight) {
  const uint64_t end_ns = EndOf(record);
  if (end_ns == 0 || record.request_first_ns == 0) {
    ++losses_[kNoResponse];
    return;
  }
  const uint64_t duration_ns =
      end_ns > record.request_first_ns ? end_ns - record.request_first_ns : 1;
  Row& row = RowOf(cgroup_id, KeyOf(record), record.fingerprint);
  row.duration_ns += duration_ns * weight;
  const int32_t index = RequestBucket(duration_ns);
  auto bucket = std::lower_bound(row.buckets.begin(), row.buckets.end(), index,
                                 [](const HistogramBucket& b, int32_t i) { return b.index < i; });
  if (bucket == row.buckets.end() || bucket->index != index) {
    bucket = row.buckets.insert(bucket, {.index = index});
  }
  bucket->count += weight;
}

RequestRows::Row& RequestRows::RowOf(uint64_t cgroup_id, const RequestKey& key,
                                     uint64_t fingerprint) {
  Recent& recent = recent_[Scatter(cgroup_id, key, fingerprint) % recent_.size()];
  if (recent.row != nullptr && recent.cgroup_id == cgroup_id &&
      RequestKeyEqual()(recent.row->first, key)) {
    return recent.row->second;
  }
  return FindRow(cgroup_id, key, recent);
}

RequestRows::Row& RequestRows::FindRow(uint64_t cgroup_id, const RequestKey& key, Recent& recent) {
  Workload& workload = workloads_[cgroup_id];
  const auto row = FindOrCap(workload, key, [&](size_t times) {
    return workload.size() < times * limits_.rows && size_ < times * limits_.all_rows;
  });
  if (row.is_new) {
    ++size_;
    recent_.fill({});
  }
  if (row.is_capped) {
    ++losses_[kTargetCapped];
  } else {
    recent = {.cgroup_id = cgroup_id, .row = &row.entry};
  }
  return row.entry.second;
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
    recent_.fill({});
  }
  forgotten_.clear();
}

}  // namespace leadline::agent::requests
