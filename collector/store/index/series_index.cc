#include "collector/store/index/series_index.h"

#include <utility>

#include "common/labels.h"

namespace leadline::collector::store::index {
namespace {

// Looking a series up costs about this part of merging an entity's bitmap.
constexpr uint64_t kLooksAMerge = 8;

}  // namespace

uint32_t SeriesIndex::AddEntity(const Id128& id) {
  const auto [it, added] =
      entity_ordinals_.try_emplace(id, static_cast<uint32_t>(entities_.size()));
  if (added) entities_.push_back({id, nullptr, {}});
  return it->second;
}

std::optional<uint32_t> SeriesIndex::FindEntity(const Id128& id) const {
  const auto it = entity_ordinals_.find(id);
  if (it == entity_ordinals_.end()) return std::nullopt;
  return it->second;
}

void SeriesIndex::SetTimeline(uint32_t entity, TimelinePtr timeline) {
  for (const model::EntityVersion& version : timeline->versions()) {
    for (const Label& label : version.labels) Post(label, entity, by_entity_label_);
    for (const Label& label : version.kubernetes_labels) Post(label, entity, by_entity_label_);
  }
  entities_[entity].timeline = std::move(timeline);
}

uint32_t SeriesIndex::AddSeries(DefinitionPtr definition) {
  const auto ordinal = static_cast<uint32_t>(series_.size());
  const auto [it, added] = series_ordinals_.try_emplace(definition.get(), ordinal);
  if (!added) return it->second;
  const uint32_t entity = AddEntity(definition->entity);
  entities_[entity].series.add(ordinal);
  by_metric_[definition->metric].add(ordinal);
  for (const Label& label : definition->residual) Post(label, ordinal, by_residual_label_);
  series_.push_back({std::move(definition), entity});
  return ordinal;
}

std::optional<uint32_t> SeriesIndex::FindSeries(const model::SeriesDefinition& definition) const {
  const auto it = series_ordinals_.find(&definition);
  if (it == series_ordinals_.end()) return std::nullopt;
  return it->second;
}

void SeriesIndex::Post(const Label& label, uint32_t ordinal, Postings& postings) {
  postings[label.name][label.value].add(ordinal);
}

Roaring SeriesIndex::Union(const Postings& postings, const CompiledMatcher& matcher) {
  Roaring found;
  const auto values = postings.find(matcher.name());
  if (values == postings.end()) return found;
  if (matcher.is_equality()) {
    const auto it = values->second.find(matcher.value());
    return it == values->second.end() ? found : it->second;
  }
  for (const auto& [value, ordinals] : values->second) {
    if (matcher.Matches(value)) found |= ordinals;
  }
  return found;
}

Roaring SeriesIndex::SeriesByMetric(const CompiledMatcher& matcher) const {
  Roaring found;
  if (matcher.is_equality()) {
    const auto it = by_metric_.find(matcher.value());
    return it == by_metric_.end() ? found : it->second;
  }
  for (const auto& [metric, ordinals] : by_metric_) {
    if (matcher.Matches(metric)) found |= ordinals;
  }
  return found;
}

Roaring SeriesIndex::SeriesCandidates(const Matchers& matchers) const {
  Roaring candidates;
  candidates.addRange(0, series_.size());
  // Metrics first: they narrow most, and cost one look-up.
  for (const CompiledMatcher& matcher : matchers.all()) {
    if (matcher.name() == kMetricName) candidates &= SeriesByMetric(matcher);
  }
  for (const CompiledMatcher& matcher : matchers.all()) {
    // What matches a missing label too cannot be answered by postings.
    if (matcher.name() == kMetricName || matcher.matches_empty()) continue;
    const Roaring entities = Union(by_entity_label_, matcher);
    Roaring matching = Union(by_residual_label_, matcher);
    if (candidates.cardinality() < kLooksAMerge * entities.cardinality()) {
      for (const uint32_t series : candidates) {
        if (entities.contains(series_[series].entity)) matching.add(series);
      }
    } else {
      for (const uint32_t entity : entities) matching |= entities_[entity].series;
    }
    candidates &= matching;
  }
  return candidates;
}

Roaring SeriesIndex::EntitiesNamedBy(const Matchers& matchers) const {
  Roaring entities;
  for (const CompiledMatcher& matcher : matchers.all()) {
    if (matcher.name() == kMetricName || matcher.matches_empty()) continue;
    entities |= Union(by_entity_label_, matcher);
  }
  return entities;
}

}  // namespace leadline::collector::store::index
