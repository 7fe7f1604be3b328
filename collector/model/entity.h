// Entities: what series are about (a container, pod, process, node), with their labels in time.
//
// Plain values. Times are milliseconds since the Unix epoch.
#pragma once

#include <cstdint>
#include <limits>

#include "catalogue/metrics.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::collector::model {

using catalogue::EntityKind;

inline constexpr int64_t kOpenEnd = std::numeric_limits<int64_t>::max();

// An entity's label set from `valid_from_ms` until its next version begins. A version replaces the
// versions of the same entity that begin at or after its own begin and have a lower revision: so
// labels learned late are written with valid_from_ms == start_ms and count from the start, and a
// change of labels leaves the past as it was.
struct EntityVersion {
  Id128 id;
  EntityKind kind = EntityKind::kContainer;
  LabelSet labels;             // identifying; ordinary labels in PromQL
  LabelSet kubernetes_labels;  // named label_…; appear only where a query names them
  int64_t start_ms = 0;        // of the entity
  int64_t end_ms = kOpenEnd;   // of the entity; kOpenEnd while it lives
  int64_t valid_from_ms = 0;
  uint64_t revision = 0;

  bool operator==(const EntityVersion&) const = default;
};

}  // namespace leadline::collector::model
