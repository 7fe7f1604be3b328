// A part of the head: the series and entities whose ids fall to it, with their samples that are not
// in a window yet.
//
// Samples are in generations: an open one, and those that a flush has set aside (generation.h).
//
// Threading: any thread; one mutex, which readers hold while they look up and read what they found.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include <roaring/roaring.hh>

#include "collector/model/entity_timeline.h"
#include "collector/model/series.h"
#include "collector/store/call_meter.h"
#include "collector/store/chunk/pieces.h"
#include "collector/store/head/generation.h"
#include "collector/store/index/definition.h"
#include "collector/store/index/series_index.h"
#include "collector/store/index/smallest_texts.h"
#include "collector/store/store.h"
#include "common/mutex.h"
#include "common/string_map.h"

namespace leadline::collector::store::head {

// A series with its pieces in a range, by what wins last.
struct SeriesSnapshot {
  index::DefinitionPtr definition;
  index::TimelinePtr timeline;  // null when no version of the entity is known
  std::vector<chunk::Piece> pieces;
};
// With what was copied for its pieces.
uint64_t BytesOf(const SeriesSnapshot& series);

// What a flush writes of a tenant: pieces that were frozen...
struct FrozenSeries {
  std::string tenant;
  std::vector<SeriesSnapshot> series;
};
// ...and entities that windows do not know yet.
struct FrozenEntities {
  std::string tenant;
  struct Entity {
    index::TimelinePtr timeline;
    uint64_t change = 0;
    int64_t changed_from_ms = 0;  // what windows before this know is still right
  };
  std::vector<Entity> entities;
};

// Samples [begin, end) of a batch's frame.
struct FrameRange {
  uint32_t frame = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct AppendCounts {
  uint64_t appended = 0;
  uint64_t duplicates = 0;
  uint64_t replaced = 0;
  uint64_t too_old = 0;

  void Add(Appended result);
  void Add(const AppendCounts& other);
};

class Shard {
 public:
  // Finds the series of those of the keys that have these numbers, or adds them; calls `found` with
  // the number and the slot of each, and gives how many are new.
  using FoundSlot = absl::FunctionRef<void(uint32_t number, uint32_t slot)>;
  size_t Resolve(std::string_view tenant, absl::Span<const index::DefinitionKey> keys,
                 absl::Span<const uint32_t> numbers, FoundSlot found) ABSL_LOCKS_EXCLUDED(mutex_);
  // The same for definitions that are mostly not there yet: slots in their order.
  std::vector<uint32_t> Add(std::string_view tenant, std::vector<index::DefinitionPtr> definitions)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Null when there is no such slot or it is another tenant's.
  index::DefinitionPtr Find(std::string_view tenant, uint32_t slot) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // How many of them from the first on are handles of this tenant's, of this shard.
  size_t CountKnown(std::string_view tenant, absl::Span<const SeriesHandle> handles) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  bool WasReleased(uint32_t slot) const ABSL_LOCKS_EXCLUDED(mutex_);
  bool Has(std::string_view tenant, const model::SeriesDefinition& series) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // `in_windows`: a window holds this version already.
  // Whether it says something that was not known.
  bool AddEntity(std::string_view tenant, const model::EntityVersion& version, bool in_windows)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Appends those of the batch's samples that the ranges say, in the order of their frames; all are
  // of this shard. Samples before `oldest_ms` are dropped.
  AppendCounts Append(const WriteBatch& batch, absl::Span<const FrameRange> floats,
                      absl::Span<const FrameRange> histograms, int64_t oldest_ms)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Series that may match and have samples in the range, with those samples or without any. Errors
  // of the meter, which has BytesOf what was found.
  absl::Status Find(std::string_view tenant, const index::Matchers& matchers, int64_t start_ms,
                    int64_t end_ms, bool with_samples, CallMeter& meter,
                    std::vector<SeriesSnapshot>& out) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Entities with a label that one of the matchers asks for and that windows may not know.
  void ChangedEntities(std::string_view tenant, const index::Matchers& matchers,
                       std::vector<Id128>& out) const ABSL_LOCKS_EXCLUDED(mutex_);
  // The versions of all entities of which windows may not know all.
  void ChangedTimelines(std::string_view tenant, std::vector<index::TimelinePtr>& out) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Null when the entity is not here.
  index::TimelinePtr Timeline(std::string_view tenant, const Id128& entity) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Timelines(std::string_view tenant, std::vector<index::TimelinePtr>& out) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Adds the names of the labels of all series with samples in the range, and the values of one:
  // their own, and their entities' in force then.
  void LabelNames(std::string_view tenant, int64_t start_ms, int64_t end_ms,
                  index::SmallestTexts& out) const ABSL_LOCKS_EXCLUDED(mutex_);
  void LabelValues(std::string_view tenant, std::string_view name, int64_t start_ms, int64_t end_ms,
                   index::SmallestTexts& out) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Names of the labels of entities, with samples or without.
  void EntityLabelNames(std::string_view tenant, StringSet& out) const ABSL_LOCKS_EXCLUDED(mutex_);
  void Tenants(StringSet& out) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Sets aside what there is for a flush; it stays readable.
  void Freeze() ABSL_LOCKS_EXCLUDED(mutex_);
  // Adds the frozen series from slot `from` on, until they have `max_samples` or more, by tenant;
  // gives the slot to go on from, kEndOfSlots when that was all.
  static constexpr uint32_t kEndOfSlots = UINT32_MAX;
  uint32_t Frozen(uint32_t from, size_t max_samples, std::vector<FrozenSeries>& out) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void FrozenEntitiesOf(std::vector<FrozenEntities>& out) const ABSL_LOCKS_EXCLUDED(mutex_);
  // After a flush of what is frozen, with `entities`, which this shard filled.
  void DropFrozen(absl::Span<const FrozenEntities> entities) ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets series and entities that are in windows with all there is of them, where that is worth
  // the work: a good part of the shard, or `all`. Those of entities go when these ended so long
  // ago, those of none when for so long no Release has seen samples of them. Gives the number of
  // series. Their slots are not used again.
  size_t Release(int64_t now_ms, int64_t grace_ms, bool all) ABSL_LOCKS_EXCLUDED(mutex_);

  size_t series_count() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t series_count(std::string_view tenant) const ABSL_LOCKS_EXCLUDED(mutex_);
  // What series and entities take of memory, without samples; an estimate.
  uint64_t definition_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);
  // What samples take; and what the first samples of its series take between two flushes, now or
  // before the last one, whichever is more. Neither waits for anything.
  uint64_t sample_bytes() const { return sample_bytes_.load(std::memory_order_relaxed); }
  uint64_t first_sample_bytes() const {
    return first_sample_bytes_.load(std::memory_order_relaxed);
  }

 private:
  struct Series {
    uint32_t tenant = kReleased;  // in tenants_
    uint32_t ordinal = 0;         // in the tenant's index
    uint32_t seen_s = 0;          // by the last Release that saw samples, or the first; 0: none yet
  };
  static constexpr uint32_t kReleased = UINT32_MAX;
  struct Tenant {
    std::string name;
    index::SeriesIndex index;
    std::vector<uint32_t> slots;  // by ordinal of the series
    struct Change {
      uint64_t count = 0;
      int64_t from_ms = model::kOpenEnd;  // the earliest since the last flush
    };
    std::vector<Change> changes;  // by ordinal of the entity
    Roaring changed;              // entities whose last change is in no window
  };

  static bool IsReleasable(const Tenant& tenant, uint32_t entity, int64_t ended_before_ms);
  bool IsReleasable(const Tenant& tenant, uint32_t entity, uint32_t ordinal,
                    int64_t ended_before_ms) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Keeps in mind which series have samples now.
  void LookAround(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What is left of the tenant, anew.
  std::unique_ptr<Tenant> WithoutReleasable(const Tenant& tenant, int64_t ended_before_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Tenant& TenantOf(std::string_view name, uint32_t& number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Calls `added` with the number and the slot of each; how many are new.
  template <typename Added>
  size_t AddSeries(std::string_view tenant, absl::Span<index::DefinitionPtr> definitions,
                   Added added) ABSL_LOCKS_EXCLUDED(mutex_);
  const Tenant* FindTenant(std::string_view name) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  bool IsThere(uint32_t slot) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return slot < series_.size() && series_[slot].tenant != kReleased;
  }
  const Tenant& TenantOf(const Series& series) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return *tenants_[series.tenant];
  }
  // After what changes them.
  void CountBytes() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasSamples(uint32_t slot) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  bool HasSamplesIn(uint32_t slot, int64_t start_ms, int64_t end_ms) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Of any series; false when there are none for certain.
  bool HasSamplesIn(int64_t start_ms, int64_t end_ms) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Calls `visit` with the values of a label that LabelValues finds, until it gives false or `out`
  // takes no more.
  template <typename Visit>
  void EachValue(const Tenant& tenant, index::LabelsOf whose, std::string_view name,
                 int64_t start_ms, int64_t end_ms, index::SmallestTexts& out, Visit visit) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  mutable SharedMutex mutex_;
  std::vector<std::unique_ptr<Tenant>> tenants_ ABSL_GUARDED_BY(mutex_);
  StringMap<uint32_t> tenant_numbers_ ABSL_GUARDED_BY(mutex_);
  std::vector<Series> series_ ABSL_GUARDED_BY(mutex_);  // by slot
  std::unique_ptr<Generation> open_ ABSL_GUARDED_BY(mutex_) = std::make_unique<Generation>();
  std::vector<std::unique_ptr<const Generation>> frozen_ ABSL_GUARDED_BY(mutex_);  // oldest first
  uint64_t frozen_first_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of the last that was frozen
  std::atomic<uint64_t> sample_bytes_ = 0;
  std::atomic<uint64_t> first_sample_bytes_ = 0;
  size_t released_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t definition_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace leadline::collector::store::head
