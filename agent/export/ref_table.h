// The numbers of entities and series: gives them out, and knows what each stands for.
//
// Numbers are dense from 0. One that was forgotten is given out again only when every batch that
// could mean its former holder is acknowledged. Costs are those of a hash look-up a definition; by
// number there is none. Not synchronized. Pointers that it returns are valid until the next
// definition.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "agent/export/definitions.h"
#include "agent/model/entity.h"
#include "catalogue/metrics.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::agent {

class RefTable {
 public:
  static constexpr int64_t kNoSample = std::numeric_limits<int64_t>::min();
  // A number that stands for nothing.
  static constexpr SeriesRef kNoSeries{std::numeric_limits<uint32_t>::max()};

  struct EntityState {
    std::shared_ptr<const Entity> entity;  // null: the number is free
    std::vector<SeriesRef> series;
  };

  struct SeriesState {
    std::shared_ptr<const SeriesKey> key;  // null: the number is free
    // See Batcher::DefineSeries.
    int64_t counted_from_ms = 0;
    int64_t still_zero_ms = 0;
    int64_t newest_ms = kNoSample;  // of its samples; kept by the batcher
    bool is_histogram = false;
  };

  EntityRef DefineEntity(const Entity& entity);
  // kNoSeries when the entity's number is not in use.
  SeriesRef DefineSeries(catalogue::Metric metric, EntityRef entity, const LabelSet& residual,
                         int64_t counted_from_ms, int64_t still_zero_ms);

  // nullptr for a number that is not in use.
  const EntityState* Find(EntityRef ref) const;
  SeriesState* Find(SeriesRef ref);
  const SeriesState* Find(SeriesRef ref) const;

  // The entity, which is in use, and its series.
  void Forget(EntityRef ref);

  // What was defined and forgotten since the last call.
  DefinitionChanges TakeChanges();
  bool HasChanges() const { return !changes_.empty(); }

  // What `changes` forget is last used in the batch of this sequence. Sequences ascend.
  void LastUsed(uint64_t sequence, const DefinitionChanges& changes);
  void Acknowledged(uint64_t sequence);

  size_t entities() const { return entity_refs_.size(); }
  size_t series() const { return series_refs_.size(); }

 private:
  // Look-up by key of what is kept by pointer.
  struct SeriesKeyHash {
    using is_transparent = void;
    size_t operator()(const SeriesKey& key) const { return absl::Hash<SeriesKey>{}(key); }
    size_t operator()(const std::shared_ptr<const SeriesKey>& key) const { return (*this)(*key); }
  };
  struct SeriesKeyEqual {
    using is_transparent = void;
    static const SeriesKey& Get(const SeriesKey& key) { return key; }
    static const SeriesKey& Get(const std::shared_ptr<const SeriesKey>& key) { return *key; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Get(a) == Get(b);
    }
  };

  struct ForgottenRefs {
    uint64_t sequence;
    std::vector<EntityRef> entities;
    std::vector<SeriesRef> series;
  };

  std::vector<EntityState> entities_;
  std::vector<SeriesState> series_;
  absl::flat_hash_map<Id128, EntityRef> entity_refs_;
  absl::flat_hash_map<std::shared_ptr<const SeriesKey>, SeriesRef, SeriesKeyHash, SeriesKeyEqual>
      series_refs_;
  std::vector<EntityRef> free_entities_;
  std::vector<SeriesRef> free_series_;
  std::deque<ForgottenRefs> forgotten_;  // by sequence
  DefinitionChanges changes_;
};

}  // namespace leadline::agent
