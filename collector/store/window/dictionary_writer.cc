#include "collector/store/window/dictionary_writer.h"

#include <algorithm>

#include "collector/store/window/dictionary_rows.h"
#include "collector/store/window/postings_row.h"
#include "common/bytes.h"

namespace leadline::collector::store::window {
namespace {

bool HasLabel(const model::EntityTimeline& timeline, const Label& label) {
  return std::any_of(timeline.versions().begin(), timeline.versions().end(),
                     [&](const model::EntityVersion& version) {
                       return version.labels.Get(label.name) == label.value ||
                              version.kubernetes_labels.Get(label.name) == label.value;
                     });
}

}  // namespace

bool DictionaryWriter::Load(Table table, uint32_t ordinal, std::string_view value) {
  switch (table) {
    case Table::kEntity: {
      auto row = ParseEntityRow(value);
      if (!row || ordinal != entities_.size()) return false;
      if (!entity_ordinals_.emplace(row->id, ordinal).second) return false;
      entities_.push_back({row->id, nullptr});
      if (!row->timeline.empty()) {
        entities_.back().timeline =
            std::make_shared<const model::EntityTimeline>(std::move(row->timeline));
      }
      return true;
    }
    case Table::kMetric:
      if (ordinal != metric_sizes_.size()) return false;
      metric_sizes_.push_back(0);
      return metric_ordinals_.emplace(std::string(value), ordinal).second;
    case Table::kSeries: {
      auto rows = ParseSeriesBlock(value);
      if (!rows || ordinal != series_.size()) return false;
      for (SeriesRow& row : *rows) {
        if (row.metric >= metric_sizes_.size() || row.entity >= entities_.size() ||
            row.definition->entity() != entities_[row.entity].id ||
            row.rank != metric_sizes_[row.metric]++) {
          return false;
        }
        const auto number = static_cast<uint32_t>(series_.size());
        const uint32_t found = *series_ordinals_.lazy_emplace(
            row.definition.get(), [number](const auto& make) { make(number); });
        if (found != number) return false;
        series_.push_back({std::move(row.definition), row.metric, row.rank});
      }
      return true;
    }
    default:
      return false;
  }
}

uint32_t DictionaryWriter::EntityOf(const Id128& id, RowSink& sink) {
  const auto [it, is_new] = entity_ordinals_.try_emplace(id, entities_.size());
  if (!is_new) return it->second;
  entities_.push_back({id, nullptr});
  std::string ordinal;
  AppendVarint(it->second, ordinal);
  sink.Put(EntityIdKey(tenant_, id), ordinal);
  sink.Put(RowKey(Table::kEntity, tenant_, it->second), EncodeEntityRow({id, {}}));
  return it->second;
}

void DictionaryWriter::AddEntity(const index::TimelinePtr& timeline, RowSink& sink) {
  const Id128& id = timeline->versions().front().id;
  const uint32_t ordinal = EntityOf(id, sink);
  Entity& entity = entities_[ordinal];
  if (entity.timeline == timeline) return;
  index::TimelinePtr merged = timeline;
  if (entity.timeline != nullptr) {
    auto both = std::make_shared<model::EntityTimeline>(*entity.timeline);
    both->Merge(*timeline);
    if (*both == *entity.timeline) return;
    // Most often what came is all there is; the head has it in memory anyway.
    if (!(*both == *timeline)) merged = std::move(both);
  }
  sink.Put(RowKey(Table::kEntity, tenant_, ordinal), EncodeEntityRow({id, *merged}));
  PostVersions(*merged, entity.timeline.get(), ordinal);
  entity.timeline = std::move(merged);
  entities_changed_ = true;
}

void DictionaryWriter::PostVersions(const model::EntityTimeline& timeline,
                                    const model::EntityTimeline* known, uint32_t entity) {
  const auto post = [&](const LabelSet& labels) {
    for (const Label& label : labels) {
      if (known != nullptr && HasLabel(*known, label)) continue;
      std::vector<uint32_t>& ordinals = by_entity_label_[label];
      if (ordinals.empty() || ordinals.back() != entity) ordinals.push_back(entity);
    }
  };
  for (const model::EntityVersion& version : timeline.versions()) {
    post(version.labels);
    post(version.kubernetes_labels);
  }
}

uint32_t DictionaryWriter::MetricOf(const index::Definition& definition, RowSink& sink) {
  const std::string_view name = definition.metric();
  if (const auto it = metric_ordinals_.find(name); it != metric_ordinals_.end()) return it->second;
  const auto ordinal = static_cast<uint32_t>(metric_sizes_.size());
  metric_ordinals_.emplace(std::string(name), ordinal);
  metric_sizes_.push_back(0);
  sink.Put(RowKey(Table::kMetric, tenant_, ordinal), name);
  return ordinal;
}

SeriesRef DictionaryWriter::AddSeries(const index::DefinitionPtr& definition, RowSink& sink) {
  const auto next = static_cast<uint32_t>(series_.size());
  const uint32_t ordinal =
      *series_ordinals_.lazy_emplace(definition.get(), [next](const auto& make) { make(next); });
  if (ordinal == next) {
    const uint32_t metric = MetricOf(*definition, sink);
    const uint32_t entity = EntityOf(definition->entity(), sink);
    const uint32_t rank = metric_sizes_[metric]++;
    series_.push_back({definition, metric, rank});
    new_series_.push_back({definition, metric, entity, rank});
    for (const index::LabelId label : definition->labels()) {
      by_series_label_[label].push_back(ordinal);
    }
    by_entity_[entity].push_back(ordinal);
  }
  const Series& series = series_[ordinal];
  return {definition, nullptr, series.metric, ordinal, series.rank};
}

void DictionaryWriter::Finish(RowSink& sink) {
  absl::Span<const SeriesRow> left = new_series_;
  while (!left.empty()) {
    // Blocks end where the ordinals of a cell do, so that a reader knows where to look.
    const size_t first = series_.size() - left.size();
    const size_t count = std::min(left.size(), kMaxBlockSeries - first % kMaxBlockSeries);
    sink.Put(RowKey(Table::kSeries, tenant_, static_cast<uint32_t>(first)),
             EncodeSeriesBlock(left.first(count)));
    left.remove_prefix(count);
  }
  new_series_.clear();
  const auto merge = [&](const std::string& key, std::vector<uint32_t>& ordinals) {
    std::string row;
    std::sort(ordinals.begin(), ordinals.end());
    ordinals.erase(std::unique(ordinals.begin(), ordinals.end()), ordinals.end());
    AppendPostings(ordinals, row);
    sink.Merge(key, row);
  };
  const index::LabelTable& labels = index::LabelTable::Get();
  for (auto& [label, ordinals] : by_series_label_) {
    merge(LabelKey(tenant_, index::LabelsOf::kSeries, labels.View(label)), ordinals);
  }
  for (auto& [label, ordinals] : by_entity_label_) {
    merge(LabelKey(tenant_, index::LabelsOf::kEntity, {label.name, label.value}), ordinals);
  }
  for (auto& [entity, ordinals] : by_entity_) {
    merge(RowKey(Table::kEntitySeries, tenant_, entity), ordinals);
  }
  by_series_label_.clear();
  by_entity_label_.clear();
  by_entity_.clear();
}

}  // namespace leadline::collector::store::window
