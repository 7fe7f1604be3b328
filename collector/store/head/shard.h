// A part of the head: the series and entities whose ids fall to it, with their samples that are not
// in a window yet.
//
// Threading: any thread; one mutex, held by readers only while they look up and copy references and
// open runs, never while they decode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/types/span.h"
#include <roaring/roaring.hh>

#include "collector/model/entity_timeline.h"
#include "collector/model/series.h"
#include "collector/store/chunk/pieces.h"
#include "collector/store/head/stream.h"
#include "collector/store/index/series_index.h"
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

// What a flush writes: pieces that were frozen, and entities that windows do not know yet.
struct FrozenTenant {
  std::string tenant;
  std::vector<SeriesSnapshot> series;
  struct Entity {
    index::TimelinePtr timeline;
    uint64_t change = 0;
    int64_t changed_from_ms = 0;  // what windows before this know is still right
  };
  std::vector<Entity> entities;
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
  // The slot of the series, new or known.
  uint32_t Resolve(std::string_view tenant, const model::SeriesDefinition& series)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Null when there is no such slot or it is another tenant's.
  index::DefinitionPtr Find(std::string_view tenant, uint32_t slot) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  bool Knows(std::string_view tenant, uint32_t slot) const ABSL_LOCKS_EXCLUDED(mutex_);
  bool WasReleased(uint32_t slot) const ABSL_LOCKS_EXCLUDED(mutex_);
  bool Has(std::string_view tenant, const model::SeriesDefinition& series) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // `in_windows`: a window holds this version already.
  void AddEntity(std::string_view tenant, const model::EntityVersion& version, bool in_windows)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Appends those of the batch's samples whose series are at the slots given; `slots` is as long as
  // batch.series, with kNoSlot for those that are not this shard's. Samples before `oldest_ms` are
  // dropped. Histograms are moved out of the batch.
  static constexpr uint32_t kNoSlot = UINT32_MAX;
  AppendCounts Append(WriteBatch& batch, absl::Span<const uint32_t> slots, int64_t oldest_ms)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Series that may match and have samples in the range, with those samples or without any.
  void Find(std::string_view tenant, const index::Matchers& matchers, int64_t start_ms,
            int64_t end_ms, bool with_samples, std::vector<SeriesSnapshot>& out) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Entities with a label that one of the matchers asks for and that windows may not know.
  void ChangedEntities(std::string_view tenant, const index::Matchers& matchers,
                       std::vector<Id128>& out) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Null when the entity is not here.
  index::TimelinePtr Timeline(std::string_view tenant, const Id128& entity) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Timelines(std::string_view tenant, std::vector<index::TimelinePtr>& out) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Tenants(StringSet& out) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Sets aside what there is for a flush; it stays readable.
  void Freeze() ABSL_LOCKS_EXCLUDED(mutex_);
  void Frozen(std::vector<FrozenTenant>& out) const ABSL_LOCKS_EXCLUDED(mutex_);
  // After a flush of `frozen`, which this shard filled.
  void DropFrozen(const FrozenTenant& frozen) ABSL_LOCKS_EXCLUDED(mutex_);

  // Forgets series and entities that ended before `ended_before_ms` and are in windows with all
  // there is of them, where that is worth the work: a good part of the shard, or `all`. Gives the
  // number of series. Their slots are not used again.
  size_t Release(int64_t ended_before_ms, bool all) ABSL_LOCKS_EXCLUDED(mutex_);

  size_t series_count() const ABSL_LOCKS_EXCLUDED(mutex_);
  // What series and entities take of memory, without samples; an estimate.
  uint64_t definition_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Series {
    uint32_t tenant = 0;   // in tenants_
    uint32_t ordinal = 0;  // in the tenant's index
    Stream<double> floats;
    std::unique_ptr<Stream<model::NativeHistogram>> histograms;  // null while there are none
    std::vector<chunk::Piece> flushing;
  };
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
  // What is left of the tenant, anew.
  std::unique_ptr<Tenant> WithoutReleasable(const Tenant& tenant, int64_t ended_before_ms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Tenant& TenantOf(std::string_view name, uint32_t& number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Tenant* FindTenant(std::string_view name) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  static std::vector<chunk::Piece> PiecesOf(const Series& series, int64_t start_ms, int64_t end_ms);
  static bool HasSamplesIn(const Series& series, int64_t start_ms, int64_t end_ms);
  const Tenant& TenantOf(const Series& series) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return *tenants_[series.tenant];
  }

  mutable SharedMutex mutex_;
  std::vector<std::unique_ptr<Tenant>> tenants_ ABSL_GUARDED_BY(mutex_);
  StringMap<uint32_t> tenant_numbers_ ABSL_GUARDED_BY(mutex_);
  // By slot; null where it was released.
  std::vector<std::unique_ptr<Series>> series_ ABSL_GUARDED_BY(mutex_);
  size_t released_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t definition_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace leadline::collector::store::head
