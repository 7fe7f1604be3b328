#include "collector/store/window/rolled_up.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "collector/store/window/rocks.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {
namespace {

// A window of rollups is of so many times four hours, at the most.
constexpr uint32_t kMaxNumber = 100'000;

constexpr PartBits BitOf(size_t part) { return static_cast<PartBits>(1u << part); }

PartBits PartsOfTimes(const std::vector<int64_t>& ts_ms, int64_t window_start_ms, int64_t part_ms) {
  PartBits parts = 0;
  for (auto next = ts_ms.begin(); next != ts_ms.end();) {
    const int64_t part = (*next - window_start_ms) / part_ms;
    const int64_t start_ms = window_start_ms + part * part_ms;
    parts |= BitOf(static_cast<size_t>(part));
    if (*next == start_ms) {
      parts |= BitOf(part == 0 ? kBeginPart : static_cast<size_t>(part) - 1);
    }
    next = ts_ms.back() < start_ms + part_ms
               ? ts_ms.end()
               : std::lower_bound(next, ts_ms.end(), start_ms + part_ms);
  }
  return parts;
}

}  // namespace

PartBits PartsOf(const chunk::MergedSamples& samples, int64_t window_start_ms, int64_t part_ms) {
  return PartsOfTimes(samples.floats.ts_ms, window_start_ms, part_ms) |
         PartsOfTimes(samples.histograms.ts_ms, window_start_ms, part_ms);
}

absl::Status RolledUp::Load() {
  LL_RETURN_IF_ERROR(LoadRows(Table::kRolledUp));
  return LoadRows(Table::kCovered);
}

absl::Status RolledUp::LoadRows(Table table) {
  const std::unique_ptr<rocksdb::Iterator> rows(db_.NewIterator(Reading()));
  const std::string first(1, static_cast<char>(table));
  MutexLock lock(mutex_);
  for (rows->Seek(first); rows->Valid() && rows->key().starts_with(first); rows->Next()) {
    const std::string_view key = AsView(rows->key());
    const auto parsed = table == Table::kRolledUp ? ParseRolledUpKey(key) : ParseCoveredKey(key);
    if (!parsed || parsed->number > kMaxNumber) {
      return DamagedWindow(path_, fmt::format("window {}: malformed mark of rollups", path_));
    }
    if (table == Table::kRolledUp) {
      rolled_up_[parsed->tenant] |= BitOf(parsed->number);
      continue;
    }
    std::vector<bool>& covered = covered_[parsed->tenant];
    if (parsed->number >= covered.size()) covered.resize(parsed->number + 1);
    covered[parsed->number] = true;
  }
  return FromRocks(rows->status(), path_, "read");
}

bool RolledUp::has(std::string_view tenant, uint8_t part) const {
  MutexLock lock(mutex_);
  const auto it = rolled_up_.find(tenant);
  return it != rolled_up_.end() && (it->second & BitOf(part)) != 0;
}

void RolledUp::Forget(std::string_view tenant, PartBits parts, rocksdb::WriteBatch& batch) {
  MutexLock lock(mutex_);
  const auto it = rolled_up_.find(tenant);
  for (uint8_t part = 0; part <= kBeginPart; ++part) {
    if ((parts & BitOf(part)) == 0) continue;
    writes_[part].fetch_add(1);
    if (it != rolled_up_.end()) it->second &= static_cast<PartBits>(~BitOf(part));
    // Whether or not it is known: a batch that was to take it away may not have been written.
    batch.Delete(RolledUpKey(tenant, part));
  }
}

absl::Status RolledUp::Note(std::string_view tenant, uint8_t part) {
  LL_RETURN_IF_ERROR(FromRocks(db_.Put(WithoutLog(), RolledUpKey(tenant, part), rocksdb::Slice()),
                               path_, "write"));
  MutexLock lock(mutex_);
  rolled_up_[tenant] |= BitOf(part);
  return absl::OkStatus();
}

bool RolledUp::covers(std::string_view tenant, uint32_t number) const {
  MutexLock lock(mutex_);
  const auto it = covered_.find(tenant);
  return it != covered_.end() && number < it->second.size() && it->second[number];
}

absl::Status RolledUp::NoteCovered(std::string_view tenant, uint32_t number) {
  LL_RETURN_IF_ERROR(FromRocks(db_.Put(WithoutLog(), CoveredKey(tenant, number), rocksdb::Slice()),
                               path_, "write"));
  MutexLock lock(mutex_);
  std::vector<bool>& covered = covered_[tenant];
  if (number >= covered.size()) covered.resize(number + 1);
  covered[number] = true;
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::window
