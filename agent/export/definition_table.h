// The definitions that unacknowledged batches and live series need, and which of them the current
// session has not been told.
//
// Of an entity it keeps the newest version and, so that an outage loses no history, the earlier
// ones that no acknowledged batch has brought to the collector, at most kMaxVersions. Not
// synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "agent/export/definitions.h"

namespace leadline::agent {

class DefinitionTable {
 public:
  static constexpr size_t kMaxVersions = 16;

  // What the batch of this sequence changes. Sequences ascend.
  void Apply(uint64_t sequence, const DefinitionChanges& changes);

  // The batches up to this one are durable, and so is what they defined.
  void Acknowledge(uint64_t sequence);

  // A session begins, which knows nothing.
  void BeginSession();

  // What the session has not been told, in an order that it understands: entities first. The caller
  // takes from the front what it sends.
  std::deque<EntityDefinition>& untold_entities() { return untold_entities_; }
  std::deque<SeriesDefinition>& untold_series() { return untold_series_; }

  // Versions given up because an entity had more than kMaxVersions of them unacknowledged.
  uint64_t versions_dropped() const { return versions_dropped_; }

 private:
  struct Version {
    uint64_t sequence;
    std::shared_ptr<const Entity> entity;
  };
  struct Forgotten {
    uint64_t sequence;
    std::vector<EntityRef> entities;
    std::vector<SeriesRef> series;
  };

  std::vector<std::vector<Version>> entities_;  // by ref; oldest version first
  std::vector<std::shared_ptr<const SeriesKey>> series_;
  std::deque<Forgotten> forgotten_;
  std::vector<EntityRef> with_old_versions_;
  std::deque<EntityDefinition> untold_entities_;
  std::deque<SeriesDefinition> untold_series_;
  uint64_t versions_dropped_ = 0;
};

}  // namespace leadline::agent
