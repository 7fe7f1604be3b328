#include "collector/store/record/buffer.h"

#include <utility>

namespace leadline::collector::store::record {

void Buffer::Append(std::string_view tenant, absl::Span<const model::Record> records) {
  if (records.empty()) return;
  MutexLock lock(mutex_);
  auto it = live_.find(tenant);
  if (it == live_.end()) it = live_.emplace(std::string(tenant), Rows()).first;
  for (const model::Record& record : records) {
    std::string& value = it->second[{record.table, record.key, record.ts_ms}];
    live_bytes_ += record.key.size() + record.value.size();
    value = record.value;
  }
}

void Buffer::Select(std::string_view tenant, const RecordFilter& filter, InTime& out) const {
  MutexLock lock(mutex_);
  Collect(frozen_, tenant, filter, out);
  Collect(live_, tenant, filter, out);
}

void Buffer::Collect(const Tenants& tenants, std::string_view tenant, const RecordFilter& filter,
                     InTime& out) {
  const auto found = tenants.find(tenant);
  if (found == tenants.end()) return;
  const Rows& rows = found->second;
  const Place first{filter.table, filter.key.value_or(""), filter.key ? filter.start_ms : 0};
  for (auto it = rows.lower_bound(first); it != rows.end(); ++it) {
    const auto& [place, value] = *it;
    if (place.table != filter.table || (filter.key && place.key != *filter.key)) break;
    if (place.ts_ms < filter.start_ms || place.ts_ms > filter.end_ms) continue;
    out[{place.ts_ms, place.key}] = value;
  }
}

void Buffer::Freeze() {
  MutexLock lock(mutex_);
  for (auto& [tenant, rows] : live_) {
    Rows& frozen = frozen_[tenant];
    for (auto& [place, value] : rows) frozen.insert_or_assign(place, std::move(value));
  }
  live_.clear();
  frozen_bytes_ += std::exchange(live_bytes_, 0);
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
  frozen_bytes_ = 0;
}

uint64_t Buffer::bytes() const {
  MutexLock lock(mutex_);
  return live_bytes_ + frozen_bytes_;
}

}  // namespace leadline::collector::store::record
