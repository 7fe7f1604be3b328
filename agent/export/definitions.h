// What the agent's samples are about, as the batches name it: entities and series by number.
//
// Numbers are dense from 0, belong to one epoch of the agent and are used again only after every
// batch that could mean the old holder is acknowledged. Plain values; the pointed-to objects never
// change.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "agent/model/entity.h"
#include "catalogue/metrics.h"
#include "common/labels.h"

namespace leadline::agent {

enum class EntityRef : uint32_t {};
enum class SeriesRef : uint32_t {};

struct EntityDefinition {
  EntityRef ref;
  std::shared_ptr<const Entity> entity;
};

struct SeriesKey {
  catalogue::Metric metric;
  EntityRef entity;
  LabelSet residual;

  bool operator==(const SeriesKey&) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const SeriesKey& key) {
    return H::combine(std::move(state), key.metric, key.entity, key.residual);
  }
};

struct SeriesDefinition {
  SeriesRef ref;
  std::shared_ptr<const SeriesKey> key;
};

// What one batch adds to and takes from the definitions in force.
struct DefinitionChanges {
  std::vector<EntityDefinition> entities;  // new, or a new version of a known one
  std::vector<SeriesDefinition> series;
  // Not used by any later batch.
  std::vector<EntityRef> forgotten_entities;
  std::vector<SeriesRef> forgotten_series;

  bool empty() const {
    return entities.empty() && series.empty() && forgotten_entities.empty() &&
           forgotten_series.empty();
  }
};

}  // namespace leadline::agent
