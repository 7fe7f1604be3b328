#include "agent/export/ref_table.h"

#include <utility>

namespace leadline::agent {
namespace {

template <typename Ref>
size_t Index(Ref ref) {
  return static_cast<size_t>(ref);
}

// A number that was free, or the next one of `table`.
template <typename Ref, typename State>
Ref TakeRef(std::vector<Ref>& free, std::vector<State>& table) {
  if (free.empty()) {
    table.emplace_back();
    return Ref(table.size() - 1);
  }
  const Ref ref = free.back();
  free.pop_back();
  return ref;
}

}  // namespace

EntityRef RefTable::DefineEntity(const Entity& entity) {
  const auto known = entity_refs_.find(entity.id);
  if (known != entity_refs_.end() && *entities_[Index(known->second)].entity == entity) {
    return known->second;
  }
  const EntityRef ref =
      known != entity_refs_.end() ? known->second : TakeRef(free_entities_, entities_);
  EntityState& state = entities_[Index(ref)];
  state.entity = std::make_shared<const Entity>(entity);
  entity_refs_.insert_or_assign(entity.id, ref);
  changes_.entities.push_back({ref, state.entity});
  return ref;
}

SeriesRef RefTable::DefineSeries(catalogue::Metric metric, EntityRef entity,
                                 const LabelSet& residual, int64_t counted_from_ms,
                                 int64_t still_zero_ms) {
  if (Find(entity) == nullptr) return kNoSeries;
  SeriesKey key{metric, entity, residual};
  if (const auto known = series_refs_.find(key); known != series_refs_.end()) return known->second;
  const SeriesRef ref = TakeRef(free_series_, series_);
  SeriesState& state = series_[Index(ref)];
  const catalogue::MetricType type = catalogue::Info(metric).type;
  const bool counts = type != catalogue::MetricType::kGauge;
  state = {.key = std::make_shared<const SeriesKey>(std::move(key)),
           .counted_from_ms = counts ? counted_from_ms : 0,
           .still_zero_ms = counts ? still_zero_ms : 0,
           .is_histogram = type == catalogue::MetricType::kHistogram};
  series_refs_.emplace(state.key, ref);
  entities_[Index(entity)].series.push_back(ref);
  changes_.series.push_back({ref, state.key});
  return ref;
}

const RefTable::EntityState* RefTable::Find(EntityRef ref) const {
  if (Index(ref) >= entities_.size() || entities_[Index(ref)].entity == nullptr) return nullptr;
  return &entities_[Index(ref)];
}

const RefTable::SeriesState* RefTable::Find(SeriesRef ref) const {
  if (Index(ref) >= series_.size() || series_[Index(ref)].key == nullptr) return nullptr;
  return &series_[Index(ref)];
}

RefTable::SeriesState* RefTable::Find(SeriesRef ref) {
  return const_cast<SeriesState*>(std::as_const(*this).Find(ref));
}

void RefTable::Forget(EntityRef ref) {
  EntityState& state = entities_[Index(ref)];
  for (SeriesRef series_ref : state.series) {
    SeriesState& series = series_[Index(series_ref)];
    series_refs_.erase(series.key);
    series.key = nullptr;
    changes_.forgotten_series.push_back(series_ref);
  }
  entity_refs_.erase(state.entity->id);
  state = EntityState{};
  changes_.forgotten_entities.push_back(ref);
}

DefinitionChanges RefTable::TakeChanges() { return std::exchange(changes_, {}); }

void RefTable::LastUsed(uint64_t sequence, const DefinitionChanges& changes) {
  if (changes.forgotten_entities.empty()) return;
  forgotten_.push_back({sequence, changes.forgotten_entities, changes.forgotten_series});
}

void RefTable::Acknowledged(uint64_t sequence) {
  while (!forgotten_.empty() && forgotten_.front().sequence <= sequence) {
    const ForgottenRefs& refs = forgotten_.front();
    free_entities_.insert(free_entities_.end(), refs.entities.begin(), refs.entities.end());
    free_series_.insert(free_series_.end(), refs.series.begin(), refs.series.end());
    forgotten_.pop_front();
  }
}

}  // namespace leadline::agent
