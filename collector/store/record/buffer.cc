#include "collector/store/record/buffer.h"

#include <utility>

#include "collector/store/call_meter.h"
#include "collector/store/record/key_ranges.h"
#include "common/status_macros.h"

namespace leadline::collector::store::record {
namespace {

// A row's node, and what its texts take beside their bytes.
constexpr uint64_t kRowBytes = 160;

}  // namespace

void Buffer::Append(std::string_view tenant, absl::Span<const model::Record> records) {
  if (records.empty()) return;
  MutexLock lock(mutex_);
  auto it = live_.find(tenant);
  if (it == live_.end()) it = live_.emplace(std::string(tenant), Rows()).first;
  for (const model::Record& record : records) {
    std::string& value = it->second[{record.table, record.key, record.ts_ms}];
    bytes_ += kRowBytes + record.key.size() + record.value.size();
    value = record.value;
  }
}

absl::Status Buffer::Select(std::string_view tenant, const RecordFilter& filter,
                            InTime& out) const {
  MutexLock lock(mutex_);
  LL_RETURN_IF_ERROR(Collect(frozen_, tenant, filter, out));
  return Collect(live_, tenant, filter, out);
}

absl::Status Buffer::Collect(const Tenants& tenants, std::string_view tenant,
                             const RecordFilter& filter, InTime& out) {
  const auto found = tenants.find(tenant);
  if (found == tenants.end()) return absl::OkStatus();
  const Rows& rows = found->second;
  KeyRangeWalk ranges(filter.key_ranges);
  CallMeter meter(filter.limits);
  Place first{filter.table, filter.key.value_or(""), filter.key ? filter.start_ms : 0};
  if (ranges.is_bound()) first.key = filter.key_ranges.front().first;
  for (auto it = rows.lower_bound(first); it != rows.end();) {
    const auto& [place, value] = *it;
    if (place.table != filter.table || (filter.key && place.key != *filter.key)) break;
    if (ranges.is_bound()) {
      const KeyRangeWalk::Place at = ranges.Find(place.key);
      if (at == KeyRangeWalk::Place::kBehindAll) break;
      if (at == KeyRangeWalk::Place::kBefore) {
        it = rows.lower_bound({filter.table, ranges.range().first, 0});
        continue;
      }
    }
    ++it;
    if (place.ts_ms < filter.start_ms || place.ts_ms > filter.end_ms) continue;
    if (ranges.is_bound() && place.key.size() != ranges.key_bytes()) continue;
    LL_RETURN_IF_ERROR(meter.Step(kRowBytes + place.key.size() + value.size()));
    out[{place.ts_ms, place.key}] = value;
  }
  meter.Keep();
  return absl::OkStatus();
}

void Buffer::Freeze() {
  MutexLock lock(mutex_);
  for (auto& [tenant, rows] : live_) {
    Rows& frozen = frozen_[tenant];
    for (auto& [place, value] : rows) frozen.insert_or_assign(place, std::move(value));
  }
  live_.clear();
  frozen_bytes_ = bytes_;
}

std::map<std::string, std::vector<model::Record>> Buffer::Frozen() const {
  MutexLock lock(mutex_);
  std::map<std::string, std::vector<model::Record>> records;
  for (const auto& [tenant, rows] : frozen_) {
    for (const auto& [place, value] : rows) {
      records[tenant].push_back({place.table, place.key, place.ts_ms, value});
    }
  }
  return records;
}

void Buffer::DropFrozen() {
  MutexLock lock(mutex_);
  frozen_.clear();
  bytes_ -= std::exchange(frozen_bytes_, 0);
}

}  // namespace leadline::collector::store::record
