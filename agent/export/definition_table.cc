#include "agent/export/definition_table.h"

#include <algorithm>

namespace leadline::agent {
namespace {

template <typename T, typename Ref>
T& At(std::vector<T>& table, Ref ref) {
  const auto index = static_cast<size_t>(ref);
  if (index >= table.size()) table.resize(index + 1);
  return table[index];
}

}  // namespace

void DefinitionTable::Apply(uint64_t sequence, const DefinitionChanges& changes) {
  for (const EntityDefinition& definition : changes.entities) {
    std::vector<Version>& versions = At(entities_, definition.ref);
    // A number that was free again: its holder is acknowledged and forgotten.
    if (!versions.empty() && versions.back().entity->id != definition.entity->id) versions.clear();
    if (versions.size() == kMaxVersions) {
      versions.erase(versions.begin());
      ++versions_dropped_;
    }
    versions.push_back({sequence, definition.entity});
    if (versions.size() == 2) with_old_versions_.push_back(definition.ref);
    untold_entities_.push_back(definition);
  }
  for (const SeriesDefinition& definition : changes.series) {
    At(series_, definition.ref) = definition.key;
    untold_series_.push_back(definition);
  }
  if (!changes.forgotten_entities.empty() || !changes.forgotten_series.empty()) {
    forgotten_.push_back({sequence, changes.forgotten_entities, changes.forgotten_series});
  }
}

void DefinitionTable::Acknowledge(uint64_t sequence) {
  std::erase_if(with_old_versions_, [&](EntityRef ref) {
    std::vector<Version>& versions = entities_[static_cast<size_t>(ref)];
    auto newest_durable =
        std::find_if(versions.rbegin(), versions.rend(),
                     [&](const Version& version) { return version.sequence <= sequence; });
    if (newest_durable != versions.rend()) {
      versions.erase(versions.begin(), std::prev(newest_durable.base()));
    }
    return versions.size() <= 1;
  });
  while (!forgotten_.empty() && forgotten_.front().sequence <= sequence) {
    for (EntityRef ref : forgotten_.front().entities) At(entities_, ref).clear();
    for (SeriesRef ref : forgotten_.front().series) At(series_, ref) = nullptr;
    forgotten_.pop_front();
  }
}

void DefinitionTable::BeginSession() {
  untold_entities_.clear();
  untold_series_.clear();
  for (size_t i = 0; i < entities_.size(); ++i) {
    for (const Version& version : entities_[i]) {
      untold_entities_.push_back({EntityRef(i), version.entity});
    }
  }
  for (size_t i = 0; i < series_.size(); ++i) {
    if (series_[i] != nullptr) untold_series_.push_back({SeriesRef(i), series_[i]});
  }
}

}  // namespace leadline::agent
