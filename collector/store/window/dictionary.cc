#include "collector/store/window/dictionary.h"

#include <utility>

#include <fmt/format.h>

#include "collector/store/window/keys.h"

namespace leadline::collector::store::window {

void Dictionary::Tenant::AddPlace(uint32_t metric) {
  metric_sizes.resize(metrics.size());
  series_metrics.push_back(metric);
  series_ranks.push_back(metric_sizes[metric]++);
}

SeriesRef Dictionary::Tenant::Ref(uint32_t series, index::DefinitionPtr definition,
                                  index::TimelinePtr timeline) const {
  return {std::move(definition), std::move(timeline), series_metrics[series], series,
          series_ranks[series]};
}

std::optional<std::string> Dictionary::Load(std::string_view key, std::string_view value) {
  const auto parts = ParseRowKey(key);
  if (!parts) return "malformed dictionary key";
  Tenant& tenant = TenantOf(parts->tenant);
  const auto checked = [&](std::string_view table, bool good) -> std::optional<std::string> {
    if (good) return std::nullopt;
    return fmt::format("malformed {} row {} of tenant {}", table, parts->ordinal, parts->tenant);
  };
  switch (parts->table) {
    case Table::kEntity:
      return checked("entity", LoadEntity(parts->ordinal, value, tenant));
    case Table::kMetric:
      return checked("metric", LoadMetric(parts->ordinal, value, tenant));
    case Table::kSeries:
      return checked("series", LoadSeries(parts->ordinal, value, tenant));
    default:
      return "unknown table";
  }
}

bool Dictionary::LoadEntity(uint32_t ordinal, std::string_view value, Tenant& tenant) {
  const auto row = ParseEntityRow(value);
  if (!row || tenant.index.AddEntity(row->id) != ordinal) return false;
  if (!row->timeline.empty()) {
    tenant.index.SetTimeline(ordinal, std::make_shared<const model::EntityTimeline>(row->timeline));
  }
  return true;
}

bool Dictionary::LoadMetric(uint32_t ordinal, std::string_view value, Tenant& tenant) {
  if (ordinal != tenant.metrics.size()) return false;
  tenant.metric_ordinals.emplace(std::string(value), ordinal);
  tenant.metrics.emplace_back(value);
  return true;
}

bool Dictionary::LoadSeries(uint32_t ordinal, std::string_view value, Tenant& tenant) {
  auto row = ParseSeriesRow(value);
  if (!row || row->metric >= tenant.metrics.size() || row->entity >= tenant.index.entity_count()) {
    return false;
  }
  auto definition = index::Intern(model::SeriesDefinition{
      tenant.metrics[row->metric], tenant.index.entity_id(row->entity), std::move(row->residual)});
  if (tenant.index.AddSeries(std::move(definition)) != ordinal) return false;
  tenant.AddPlace(row->metric);
  return true;
}

void Dictionary::AddEntity(std::string_view tenant_name, const index::TimelinePtr& timeline,
                           Put put) {
  Tenant& tenant = TenantOf(tenant_name);
  const Id128& id = timeline->versions().front().id;
  const uint32_t entity = tenant.index.AddEntity(id);
  const index::TimelinePtr& known = tenant.index.timeline(entity);
  auto merged = known ? std::make_shared<model::EntityTimeline>(*known)
                      : std::make_shared<model::EntityTimeline>();
  merged->Merge(*timeline);
  if (known && *merged == *known) return;
  put(RowKey(Table::kEntity, tenant_name, entity), EncodeEntityRow({id, *merged}));
  tenant.index.SetTimeline(entity, std::move(merged));
}

SeriesRef Dictionary::AddSeries(std::string_view tenant_name,
                                const index::DefinitionPtr& definition, Put put) {
  Tenant& tenant = TenantOf(tenant_name);
  const size_t known_entities = tenant.index.entity_count();
  const uint32_t series = tenant.index.AddSeries(definition);
  if (series < tenant.series_metrics.size()) {
    return tenant.Ref(series, definition, nullptr);
  }
  if (tenant.index.entity_count() > known_entities) {
    put(RowKey(Table::kEntity, tenant_name, static_cast<uint32_t>(known_entities)),
        EncodeEntityRow({definition->entity(), {}}));
  }
  const std::string_view name = definition->metric();
  const auto [metric, is_new] =
      tenant.metric_ordinals.try_emplace(name, static_cast<uint32_t>(tenant.metrics.size()));
  if (is_new) {
    tenant.metrics.emplace_back(name);
    put(RowKey(Table::kMetric, tenant_name, metric->second), name);
  }
  put(RowKey(Table::kSeries, tenant_name, series),
      EncodeSeriesRow(
          {metric->second, tenant.index.entity_of(series), definition->ToModel().residual}));
  tenant.AddPlace(metric->second);
  return tenant.Ref(series, definition, nullptr);
}

bool Dictionary::HasEntity(std::string_view tenant_name, const Id128& id) const {
  const Tenant* tenant = FindTenant(tenant_name);
  return tenant != nullptr && tenant->index.FindEntity(id).has_value();
}

void Dictionary::Find(std::string_view tenant_name, const index::Matchers& matchers,
                      absl::Span<const Id128> also, std::vector<SeriesRef>& out) const {
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr) return;
  Roaring candidates = tenant->index.SeriesCandidates(matchers);
  for (const Id128& id : also) {
    if (const auto entity = tenant->index.FindEntity(id)) {
      tenant->index.series_of(*entity).AddTo(candidates);
    }
  }
  for (const uint32_t series : candidates) {
    out.push_back(tenant->Ref(series, tenant->index.definition(series),
                              tenant->index.timeline(tenant->index.entity_of(series))));
  }
}

void Dictionary::Timelines(std::string_view tenant_name,
                           std::vector<index::TimelinePtr>& out) const {
  const Tenant* tenant = FindTenant(tenant_name);
  if (tenant == nullptr) return;
  for (uint32_t entity = 0; entity < tenant->index.entity_count(); ++entity) {
    if (tenant->index.timeline(entity)) out.push_back(tenant->index.timeline(entity));
  }
}

Dictionary::Tenant& Dictionary::TenantOf(std::string_view name) {
  const auto it = tenants_.find(name);
  if (it != tenants_.end()) return *it->second;
  return *tenants_.emplace(std::string(name), std::make_unique<Tenant>()).first->second;
}

const Dictionary::Tenant* Dictionary::FindTenant(std::string_view name) const {
  const auto it = tenants_.find(name);
  return it == tenants_.end() ? nullptr : it->second.get();
}

}  // namespace leadline::collector::store::window
