#include "collector/store/index/series_index.h"

#include <utility>

#include "common/labels.h"

namespace leadline::collector::store::index {
namespace {

// Looking a series up costs about this part of merging an entity's bitmap.
constexpr uint64_t kLooksAMerge = 8;

}  // namespace

SeriesIndex::~SeriesIndex() {
  for (const LabelId id : entity_labels_) LabelTable::Get().Release(id);
}

uint32_t SeriesIndex::AddEntity(const Id128& id) {
  const auto [it, added] =
      entity_ordinals_.try_emplace(id, static_cast<uint32_t>(entities_.size()));
  if (added) entities_.push_back({.id = id});
  return it->second;
}

std::optional<uint32_t> SeriesIndex::FindEntity(const Id128& id) const {
  const auto it = entity_ordinals_.find(id);
  if (it == entity_ordinals_.end()) return std::nullopt;
  return it->second;
}

void SeriesIndex::SetTimeline(uint32_t entity, TimelinePtr timeline) {
  for (const model::EntityVersion& version : timeline->versions()) {
    PostEntity(version.labels, entity);
    PostEntity(version.kubernetes_labels, entity);
  }
  entities_[entity].timeline = std::move(timeline);
}

void SeriesIndex::PostEntity(const LabelSet& labels, uint32_t entity) {
  LabelTable& table = LabelTable::Get();
  for (const Label& label : labels) {
    const LabelId id = table.Acquire({label.name, label.value});
    if (by_entity_label_.Add(id, entity)) {
      entity_labels_.push_back(id);
    } else {
      table.Release(id);
    }
  }
}

uint32_t SeriesIndex::AddSeries(DefinitionPtr definition) {
  if (const auto known = FindSeries(*definition)) return *known;
  const auto ordinal = static_cast<uint32_t>(definitions_.size());
  const uint32_t entity = AddEntity(definition->entity());
  entities_[entity].series.Add(ordinal);
  for (const LabelId label : definition->labels()) by_series_label_.Add(label, ordinal);
  series_entities_.push_back(entity);
  definitions_.push_back(std::move(definition));
  series_ordinals_.insert(ordinal);
  return ordinal;
}

std::optional<uint32_t> SeriesIndex::FindSeries(const DefinitionKey& key) const {
  const auto it = series_ordinals_.find(key);
  if (it == series_ordinals_.end()) return std::nullopt;
  return *it;
}

std::optional<uint32_t> SeriesIndex::FindSeries(const Definition& definition) const {
  const auto it = series_ordinals_.find(&definition);
  if (it == series_ordinals_.end()) return std::nullopt;
  return *it;
}

Roaring SeriesIndex::WithValue(const LabelPostings& postings, const CompiledMatcher& matcher) {
  Roaring found;
  for (const ValueAlternative& one : matcher.alternatives()) {
    if (one.rest == ValueAlternative::Rest::kNothing) {
      const Postings* const ordinals = postings.Find(matcher.name(), one.text);
      if (ordinals != nullptr) ordinals->AddTo(found);
      continue;
    }
    postings.ForEachValue(matcher.name(), one.text,
                          [&](std::string_view value, const Postings& ordinals) {
                            if (matcher.HasValue(value)) ordinals.AddTo(found);
                            return true;
                          });
  }
  return found;
}

Roaring SeriesIndex::WithoutValue(const LabelPostings& postings, const CompiledMatcher& matcher) {
  Roaring found;
  postings.ForEachValue(matcher.name(), "", [&](std::string_view value, const Postings& ordinals) {
    if (!matcher.HasValue(value)) ordinals.AddTo(found);
    return true;
  });
  return found;
}

Roaring SeriesIndex::Matching(const LabelPostings& postings, const CompiledMatcher& matcher) {
  return matcher.is_negative() ? WithoutValue(postings, matcher) : WithValue(postings, matcher);
}

Roaring SeriesIndex::SeriesCandidates(const Matchers& matchers) const {
  Roaring candidates;
  candidates.addRange(0, series_count());
  // Metrics first: they narrow most, and every series has one.
  for (const CompiledMatcher& matcher : matchers.all()) {
    if (matcher.name() == kMetricName) candidates &= Matching(by_series_label_, matcher);
  }
  for (const CompiledMatcher& matcher : matchers.all()) {
    if (matcher.name() == kMetricName) continue;
    if (matcher.matches_empty()) {
      // What has no such label matches too. Only a series' own label, which wins over the entity's
      // whichever version is in force, says for certain that it does not match.
      candidates -= matcher.is_negative() ? WithValue(by_series_label_, matcher)
                                          : WithoutValue(by_series_label_, matcher);
      continue;
    }
    Roaring matching = Matching(by_series_label_, matcher);
    const Roaring entities = Matching(by_entity_label_, matcher);
    if (candidates.cardinality() < kLooksAMerge * entities.cardinality()) {
      for (const uint32_t series : candidates) {
        if (entities.contains(series_entities_[series])) matching.add(series);
      }
    } else {
      for (const uint32_t entity : entities) entities_[entity].series.AddTo(matching);
    }
    candidates &= matching;
  }
  return candidates;
}

Roaring SeriesIndex::EntitiesNamedBy(const Matchers& matchers) const {
  Roaring entities;
  for (const CompiledMatcher& matcher : matchers.all()) {
    if (matcher.name() == kMetricName || matcher.matches_empty()) continue;
    entities |= Matching(by_entity_label_, matcher);
  }
  return entities;
}

}  // namespace leadline::collector::store::index
