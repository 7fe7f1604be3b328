// The series and entities of one tenant in one place (a shard of the head, a window): dense
// ordinals, and postings from labels to them.
//
// Ordinals begin with 0 and are never reused. Entities are posted under the labels of every version
// that they ever had here, so what a look-up returns is a superset: callers check the version in
// force with visible_labels.h. Not synchronized: const methods may run together. Snapshots
// (definitions, timelines) are immutable and may be kept. Source: ADR 130.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include <roaring/roaring.hh>

#include "collector/model/entity_timeline.h"
#include "collector/model/series.h"
#include "collector/store/index/candidates.h"
#include "collector/store/index/definition.h"
#include "collector/store/index/label_postings.h"
#include "collector/store/index/matchers.h"
#include "collector/store/index/postings.h"
#include "collector/store/index/timelines.h"
#include "common/id128.h"

namespace leadline::collector::store::index {

class SeriesIndex final : public PostingsSource {
 public:
  SeriesIndex() = default;
  ~SeriesIndex() override;
  SeriesIndex(const SeriesIndex&) = delete;
  SeriesIndex& operator=(const SeriesIndex&) = delete;

  // The ordinal of the entity, new or known.
  uint32_t AddEntity(const Id128& id);
  std::optional<uint32_t> FindEntity(const Id128& id) const;
  // Replaces what is known of the entity's versions.
  void SetTimeline(uint32_t entity, TimelinePtr timeline);

  // The ordinal of the series, new or known, and of its entity.
  uint32_t AddSeries(DefinitionPtr definition);
  std::optional<uint32_t> FindSeries(const DefinitionKey& key) const;
  std::optional<uint32_t> FindSeries(const model::SeriesDefinition& definition) const {
    return FindSeries(DefinitionKey(definition));
  }
  std::optional<uint32_t> FindSeries(const Definition& definition) const;

  size_t entity_count() const { return entities_.size(); }
  size_t series_count() const { return definitions_.size(); }
  const Id128& entity_id(uint32_t entity) const { return entities_[entity].id; }
  // Null when no version is known.
  const TimelinePtr& timeline(uint32_t entity) const { return entities_[entity].timeline; }
  const DefinitionPtr& definition(uint32_t series) const { return definitions_[series]; }
  uint32_t entity_of(uint32_t series) const { return series_entities_[series]; }
  const Postings& series_of(uint32_t entity) const { return entities_[entity].series; }

  // Series that may match.
  Roaring SeriesCandidates(const Matchers& matchers) const {
    return *index::FindSeries(*this, matchers);  // memory has no errors
  }
  // Entities with a label that one of the matchers asks for.
  Roaring EntitiesNamedBy(const Matchers& matchers) const { return *FindEntities(*this, matchers); }

  // The names of labels and the values of one, ascending, with their postings.
  const LabelPostings& labels(LabelsOf whose) const {
    return whose == LabelsOf::kSeries ? by_series_label_ : by_entity_label_;
  }

  absl::Status AddAllSeries(Roaring& out) const override;
  absl::Status AddWithLabel(LabelsOf whose, const LabelView& label, Roaring& out) const override;
  absl::Status AddWithValues(LabelsOf whose, std::string_view name, std::string_view prefix,
                             Wanted wanted, Roaring& out) const override;
  absl::Status AddSeriesOf(const Roaring& entities, const Roaring* within,
                           Roaring& out) const override;

 private:
  struct Entity {
    Id128 id;
    TimelinePtr timeline;
    Postings series;
  };
  // Series by what they say; what is stored is their ordinals.
  struct HashSeries {
    using is_transparent = void;
    const SeriesIndex* index;
    size_t operator()(uint32_t series) const { return index->definitions_[series]->hash(); }
    size_t operator()(const DefinitionKey& key) const { return key.hash(); }
    size_t operator()(const Definition* definition) const { return definition->hash(); }
  };
  struct EqualSeries {
    using is_transparent = void;
    const SeriesIndex* index;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t series, const DefinitionKey& key) const {
      return index->definitions_[series]->Is(key);
    }
    bool operator()(uint32_t series, const Definition* definition) const {
      return index->definitions_[series].get() == definition;
    }
  };

  void PostEntity(const LabelSet& labels, uint32_t entity);

  std::vector<Entity> entities_;
  std::vector<DefinitionPtr> definitions_;
  std::vector<uint32_t> series_entities_;
  absl::flat_hash_map<Id128, uint32_t> entity_ordinals_;
  absl::flat_hash_set<uint32_t, HashSeries, EqualSeries> series_ordinals_{0, HashSeries{this},
                                                                          EqualSeries{this}};
  LabelPostings by_series_label_;       // metric names too; definitions_ keep the labels
  LabelPostings by_entity_label_;       // Kubernetes labels too
  std::vector<LabelId> entity_labels_;  // those of by_entity_label_, kept here
};

}  // namespace leadline::collector::store::index
