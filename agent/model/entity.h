// An entity as the agent knows it: a container, pod, process, node or cgroup and its labels.
//
// Plain values. Times are milliseconds since the Unix epoch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catalogue/metrics.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::agent {

using catalogue::EntityKind;

struct Entity {
  Id128 id;  // made by entity_id.h
  EntityKind kind = EntityKind::kContainer;
  LabelSet labels;                       // identifying
  std::vector<Label> kubernetes_labels;  // keys as Kubernetes has them, sorted by key
  int64_t start_ms = 0;
  int64_t end_ms = 0;  // 0 while it lives
  // From when on these labels hold: start_ms where they were only learned late.
  int64_t valid_from_ms = 0;
  uint64_t revision = 0;  // orders versions of one entity; larger is newer

  bool operator==(const Entity&) const = default;
};

}  // namespace leadline::agent
