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
  entities_[entity].timeline = Intern(std::move(timeline));
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
  const auto ordinal = static_cast<uint32_t>(definitions_.size());
  const uint32_t found = *series_ordinals_.lazy_emplace(
      definition.get(), [ordinal](const auto& make) { make(ordinal); });
  if (found != ordinal) return found;
  const uint32_t entity = AddEntity(definition->entity());
  entities_[entity].series.Add(ordinal);
  for (const LabelId label : definition->labels()) by_series_label_.Add(label, ordinal);
  series_entities_.push_back(entity);
  definitions_.push_back(std::move(definition));
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

absl::Status SeriesIndex::AddAllSeries(Roaring& out) const {
  out.addRange(0, series_count());
  return absl::OkStatus();
}

absl::Status SeriesIndex::AddWithLabel(LabelsOf whose, const LabelView& label, Roaring& out) const {
  const Postings* const ordinals = labels(whose).Find(label.name, label.value);
  if (ordinals != nullptr) ordinals->AddTo(out);
  return absl::OkStatus();
}

absl::Status SeriesIndex::AddWithValues(LabelsOf whose, std::string_view name,
                                        std::string_view prefix, Wanted wanted,
                                        Roaring& out) const {
  labels(whose).ForEachValue(name, prefix, [&](std::string_view value, const Postings& ordinals) {
    if (wanted(value)) ordinals.AddTo(out);
    return true;
  });
  return absl::OkStatus();
}

absl::Status SeriesIndex::AddSeriesOf(const Roaring& entities, const Roaring* within,
                                      Roaring& out) const {
  if (within != nullptr && within->cardinality() < kLooksAMerge * entities.cardinality()) {
    for (const uint32_t series : *within) {
      if (entities.contains(series_entities_[series])) out.add(series);
    }
  } else {
    for (const uint32_t entity : entities) entities_[entity].series.AddTo(out);
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::index
