// The head: everything that is not in a window yet, in shards.
//
// All series of an entity are in one shard, with the entity's versions; series without one are with
// those of their scrape target (the labels job and instance), so that they share timestamps too.
// Where a series is depends on the number of shards and nothing else. A handle is the shard's
// number and the slot in it; it stays valid until its series is released, and never means another.
// Threading: any thread; a batch becomes visible shard by shard.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/head/entity_changes.h"
#include "collector/store/head/shard.h"
#include "collector/store/record/buffer.h"
#include "collector/store/store.h"

namespace leadline::collector::store::head {

class Head {
 public:
  // REQUIRES: 1 <= shards <= 256.
  explicit Head(size_t shards);

  // `begun`: how many of them are new; may be null.
  std::vector<SeriesHandle> Resolve(std::string_view tenant,
                                    absl::Span<const model::SeriesDefinition> series,
                                    size_t* begun = nullptr);
  // The same for series that are all of this shard, most of them new.
  std::vector<SeriesHandle> AddSeries(size_t shard, std::string_view tenant,
                                      std::vector<index::DefinitionPtr> definitions);
  // Null when the handle is not one of this tenant's.
  index::DefinitionPtr Find(std::string_view tenant, SeriesHandle handle) const;

  // The first of them that is not a handle of this tenant's.
  std::optional<SeriesHandle> FirstUnknown(std::string_view tenant,
                                           absl::Span<const SeriesHandle> handles) const;

  // Whether it was and was released.
  bool WasReleased(SeriesHandle handle) const;
  bool Has(std::string_view tenant, const model::SeriesDefinition& series) const;
  // How many of the series Resolve would add.
  size_t CountUnknown(std::string_view tenant,
                      absl::Span<const model::SeriesDefinition> series) const;

  // Takes the batch's entities and samples, except samples before `oldest_ms`.
  // REQUIRES: the batch's handles are known, its indices in range.
  AppendCounts Append(std::string_view tenant, const WriteBatch& batch, int64_t oldest_ms);
  // `in_windows`: windows hold these versions already.
  // Those of them that say something that was not known.
  std::vector<model::EntityVersion> AddEntities(std::string_view tenant,
                                                absl::Span<const model::EntityVersion> versions,
                                                bool in_windows);

  // See shard.h.
  absl::StatusOr<std::vector<SeriesSnapshot>> Find(std::string_view tenant,
                                                   const index::Matchers& matchers,
                                                   int64_t start_ms, int64_t end_ms,
                                                   bool with_samples, CallMeter& meter) const;
  std::vector<Id128> ChangedEntities(std::string_view tenant,
                                     const index::Matchers& matchers) const;
  index::TimelinePtr Timeline(std::string_view tenant, const Id128& entity) const;
  // Of whichever tenant. A change is there before it is told here.
  const EntityChanges& entity_changes() const { return entity_changes_; }
  // The versions of all entities of which windows may not know all.
  std::vector<index::TimelinePtr> ChangedTimelines(std::string_view tenant) const;
  std::vector<index::TimelinePtr> Timelines(std::string_view tenant) const;
  std::vector<index::TimelinePtr> Timelines(size_t shard, std::string_view tenant) const;
  StringSet EntityLabelNames(std::string_view tenant) const;
  void LabelNames(std::string_view tenant, int64_t start_ms, int64_t end_ms,
                  index::SmallestTexts& out) const;
  void LabelValues(std::string_view tenant, std::string_view name, int64_t start_ms, int64_t end_ms,
                   index::SmallestTexts& out) const;
  std::vector<std::string> Tenants() const;  // sorted

  // Records, which are flushed with that shard. AddRecords takes the batch's own, and one for each
  // version of an entity that was learned with it.
  static constexpr size_t kRecordShard = 0;
  void AddRecords(std::string_view tenant, const WriteBatch& batch,
                  absl::Span<const model::EntityVersion> learned);
  const record::Buffer& records() const { return records_; }

  // A flush of a shard: Freeze sets aside what there is; Frozen and FrozenEntitiesOf give it, with
  // what earlier flushes that failed have left; DropFrozen forgets it once it is in windows. One
  // flush at a time. See shard.h.
  void Freeze(size_t shard) {
    shards_[shard]->Freeze();
    if (shard == kRecordShard) records_.Freeze();
  }
  uint32_t Frozen(size_t shard, uint32_t from, size_t max_samples,
                  std::vector<FrozenSeries>& out) const {
    return shards_[shard]->Frozen(from, max_samples, out);
  }
  void FrozenEntitiesOf(size_t shard, std::vector<FrozenEntities>& out) const {
    shards_[shard]->FrozenEntitiesOf(out);
  }
  void DropFrozen(size_t shard, absl::Span<const FrozenEntities> entities) {
    shards_[shard]->DropFrozen(entities);
    if (shard == kRecordShard) records_.DropFrozen();
  }

  // The shard forgets series and entities that ended so long ago, when windows have all there is of
  // them; see shard.h. Their handles are not known any more. Gives the number of series. REQUIRES:
  // no batch that was checked before is appended after.
  size_t Release(size_t shard, int64_t now_ms, int64_t grace_ms, bool all);
  // Grows with every Release that forgot something, before it does.
  uint64_t releases() const { return releases_.load(); }

  size_t shard_count() const { return shards_.size(); }
  size_t series_count() const;
  size_t series_count(std::string_view tenant) const;
  // What series and entities take of memory, without samples; an estimate.
  uint64_t definition_bytes() const;
  // What samples and records take; and first samples alone, see shard.h.
  uint64_t sample_bytes() const;
  uint64_t first_sample_bytes() const;

  static size_t ShardOf(SeriesHandle handle) { return handle >> kSlotBits; }
  static uint32_t SlotOf(SeriesHandle handle) { return static_cast<uint32_t>(handle); }
  // Where they are in a head of so many shards.
  static size_t ShardOf(const Id128& entity, size_t shards) { return entity.low % shards; }
  static size_t ShardOf(const model::SeriesDefinition& series, size_t shards);
  static size_t ShardOf(std::string_view metric, const Id128& entity,
                        absl::Span<const index::LabelView> residual, size_t shards);

 private:
  static constexpr int kSlotBits = 32;

  std::vector<std::unique_ptr<Shard>> shards_;
  record::Buffer records_;
  EntityChanges entity_changes_;
  std::atomic<uint64_t> releases_{0};
};

}  // namespace leadline::collector::store::head
