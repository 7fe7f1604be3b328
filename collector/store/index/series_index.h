// The series and entities of one tenant in one place (a shard of the head, a window): dense
// ordinals, and postings from labels to them as roaring bitmaps.
//
// Ordinals begin with 0 and are never reused. Entities are posted under the labels of every version
// that they ever had here, so what a look-up returns is a superset: callers check the version in
// force with visible_labels.h. Not synchronized: const methods may run together. Snapshots
// (definitions, timelines) are immutable and may be kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include <roaring/roaring.hh>

#include "collector/model/entity_timeline.h"
#include "collector/model/series.h"
#include "collector/store/index/matchers.h"
#include "common/id128.h"
#include "common/string_map.h"

namespace leadline::collector::store::index {

using DefinitionPtr = std::shared_ptr<const model::SeriesDefinition>;
using TimelinePtr = std::shared_ptr<const model::EntityTimeline>;

struct DefinitionHash {
  size_t operator()(const model::SeriesDefinition* definition) const {
    return absl::Hash<model::SeriesDefinition>{}(*definition);
  }
};
struct DefinitionEqual {
  bool operator()(const model::SeriesDefinition* a, const model::SeriesDefinition* b) const {
    return *a == *b;
  }
};

// By what the definitions say. They outlive the map.
template <typename Value>
using DefinitionMap =
    absl::flat_hash_map<const model::SeriesDefinition*, Value, DefinitionHash, DefinitionEqual>;

class SeriesIndex {
 public:
  // The ordinal of the entity, new or known.
  uint32_t AddEntity(const Id128& id);
  std::optional<uint32_t> FindEntity(const Id128& id) const;
  // Replaces what is known of the entity's versions.
  void SetTimeline(uint32_t entity, TimelinePtr timeline);

  // The ordinal of the series, new or known, and of its entity.
  uint32_t AddSeries(DefinitionPtr definition);
  std::optional<uint32_t> FindSeries(const model::SeriesDefinition& definition) const;

  size_t entity_count() const { return entities_.size(); }
  size_t series_count() const { return series_.size(); }
  const Id128& entity_id(uint32_t entity) const { return entities_[entity].id; }
  // Null when no version is known.
  const TimelinePtr& timeline(uint32_t entity) const { return entities_[entity].timeline; }
  const DefinitionPtr& definition(uint32_t series) const { return series_[series].definition; }
  uint32_t entity_of(uint32_t series) const { return series_[series].entity; }
  const Roaring& series_of(uint32_t entity) const { return entities_[entity].series; }

  // Series that may match.
  Roaring SeriesCandidates(const Matchers& matchers) const;
  // Entities with a label that one of the matchers asks for.
  Roaring EntitiesNamedBy(const Matchers& matchers) const;

 private:
  using Postings = StringMap<StringMap<Roaring>>;  // label name -> value -> ordinals

  struct Entity {
    Id128 id;
    TimelinePtr timeline;
    Roaring series;
  };
  struct Series {
    DefinitionPtr definition;
    uint32_t entity = 0;
  };

  static void Post(const Label& label, uint32_t ordinal, Postings& postings);
  static Roaring Union(const Postings& postings, const CompiledMatcher& matcher);
  Roaring SeriesByMetric(const CompiledMatcher& matcher) const;

  std::vector<Entity> entities_;
  std::vector<Series> series_;
  absl::flat_hash_map<Id128, uint32_t> entity_ordinals_;
  DefinitionMap<uint32_t> series_ordinals_;
  StringMap<Roaring> by_metric_;
  Postings by_residual_label_;
  Postings by_entity_label_;  // Kubernetes labels too
};

}  // namespace leadline::collector::store::index
