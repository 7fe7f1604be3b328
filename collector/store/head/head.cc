#include "collector/store/head/head.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"

namespace leadline::collector::store::head {
namespace {

constexpr int kSlotBits = 32;

uint32_t SlotOf(SeriesHandle handle) { return static_cast<uint32_t>(handle); }
size_t ShardNumber(SeriesHandle handle) { return handle >> kSlotBits; }

}  // namespace

Head::Head(size_t shards) {
  for (size_t i = 0; i < shards; ++i) shards_.push_back(std::make_unique<Shard>());
}

size_t Head::ShardOf(std::string_view tenant, const Id128& entity) const {
  return absl::HashOf(tenant, entity) % shards_.size();
}

std::vector<SeriesHandle> Head::Resolve(std::string_view tenant,
                                        absl::Span<const model::SeriesDefinition> series) {
  std::vector<SeriesHandle> handles;
  handles.reserve(series.size());
  for (const model::SeriesDefinition& definition : series) {
    const size_t shard = ShardOf(tenant, definition.entity);
    handles.push_back(static_cast<SeriesHandle>(shard) << kSlotBits |
                      shards_[shard]->Resolve(tenant, definition));
  }
  return handles;
}

index::DefinitionPtr Head::Find(std::string_view tenant, SeriesHandle handle) const {
  const size_t shard = ShardNumber(handle);
  return shard < shards_.size() ? shards_[shard]->Find(tenant, SlotOf(handle)) : nullptr;
}

bool Head::Knows(std::string_view tenant, SeriesHandle handle) const {
  const size_t shard = ShardNumber(handle);
  return shard < shards_.size() && shards_[shard]->Knows(tenant, SlotOf(handle));
}

bool Head::WasReleased(SeriesHandle handle) const {
  const size_t shard = ShardNumber(handle);
  return shard < shards_.size() && shards_[shard]->WasReleased(SlotOf(handle));
}

size_t Head::CountUnknown(std::string_view tenant,
                          absl::Span<const model::SeriesDefinition> series) const {
  size_t unknown = 0;
  for (const model::SeriesDefinition& definition : series) {
    const Shard& shard = *shards_[ShardOf(tenant, definition.entity)];
    unknown += shard.Has(tenant, definition) ? 0 : 1;
  }
  return unknown;
}

AppendCounts Head::Append(std::string_view tenant, WriteBatch batch, int64_t oldest_ms) {
  AddEntities(tenant, batch.entities, /*in_windows=*/false);
  AppendCounts counts;
  std::vector<std::vector<uint32_t>> slots(shards_.size());
  for (size_t i = 0; i < batch.series.size(); ++i) {
    std::vector<uint32_t>& own = slots[ShardNumber(batch.series[i])];
    if (own.empty()) own.resize(batch.series.size(), Shard::kNoSlot);
    own[i] = SlotOf(batch.series[i]);
  }
  for (size_t shard = 0; shard < shards_.size(); ++shard) {
    if (!slots[shard].empty()) {
      counts.Add(shards_[shard]->Append(batch, slots[shard], oldest_ms));
    }
  }
  return counts;
}

void Head::AddEntities(std::string_view tenant, absl::Span<const model::EntityVersion> versions,
                       bool in_windows) {
  for (const model::EntityVersion& version : versions) {
    shards_[ShardOf(tenant, version.id)]->AddEntity(tenant, version, in_windows);
  }
}

std::vector<SeriesSnapshot> Head::Find(std::string_view tenant, const index::Matchers& matchers,
                                       int64_t start_ms, int64_t end_ms, bool with_samples) const {
  std::vector<SeriesSnapshot> found;
  for (const auto& shard : shards_) {
    shard->Find(tenant, matchers, start_ms, end_ms, with_samples, found);
  }
  return found;
}

std::vector<Id128> Head::ChangedEntities(std::string_view tenant,
                                         const index::Matchers& matchers) const {
  std::vector<Id128> found;
  for (const auto& shard : shards_) shard->ChangedEntities(tenant, matchers, found);
  return found;
}

index::TimelinePtr Head::Timeline(std::string_view tenant, const Id128& entity) const {
  return shards_[ShardOf(tenant, entity)]->Timeline(tenant, entity);
}

std::vector<index::TimelinePtr> Head::Timelines(std::string_view tenant) const {
  std::vector<index::TimelinePtr> timelines;
  for (const auto& shard : shards_) shard->Timelines(tenant, timelines);
  return timelines;
}

std::vector<std::string> Head::Tenants() const {
  StringSet names;
  for (const auto& shard : shards_) shard->Tenants(names);
  std::vector<std::string> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

void Head::Freeze() {
  for (const auto& shard : shards_) shard->Freeze();
}

std::vector<Head::FrozenShard> Head::Frozen() const {
  std::vector<FrozenShard> frozen(shards_.size());
  for (size_t i = 0; i < shards_.size(); ++i) {
    frozen[i].shard = i;
    shards_[i]->Frozen(frozen[i].tenants);
  }
  return frozen;
}

void Head::DropFrozen(absl::Span<const FrozenShard> frozen) {
  for (const FrozenShard& part : frozen) {
    for (const FrozenTenant& tenant : part.tenants) shards_[part.shard]->DropFrozen(tenant);
  }
}

size_t Head::Release(int64_t ended_before_ms, bool all) {
  ++releases_;
  size_t released = 0;
  for (const auto& shard : shards_) released += shard->Release(ended_before_ms, all);
  return released;
}

uint64_t Head::definition_bytes() const {
  uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->definition_bytes();
  return bytes;
}

size_t Head::series_count() const {
  size_t count = 0;
  for (const auto& shard : shards_) count += shard->series_count();
  return count;
}

}  // namespace leadline::collector::store::head
