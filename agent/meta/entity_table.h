// The entities of this node, those that ended lately included, and which of them have changed.
//
// Times are milliseconds since the Unix epoch. Not thread-safe. References to a record are valid
// until Expire forgets it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "agent/meta/entity_record.h"
#include "agent/meta/pod_record.h"
#include "agent/meta/pod_table.h"
#include "agent/meta/resolver_metrics.h"
#include "agent/model/entity.h"
#include "common/ended_set.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::agent::meta {

class EntityTable {
 public:
  // At most `max_ended` that have ended. `pods` and `metrics` outlive the table.
  EntityTable(size_t max_ended, PodTable& pods, ResolverMetrics& metrics)
      : max_ended_(max_ended), pods_(pods), metrics_(metrics) {}

  // Made as EntityRecord's constructor has it when it is not known.
  EntityRecord& Get(Id128 id, EntityKind kind, std::string_view path, std::string container_id,
                    PodRecord* pod);
  EntityRecord& GetPod(PodRecord& pod);
  // nullptr when it is not known.
  EntityRecord* Find(const Id128& id) const;

  // One cgroup more of an entity, and of the pod that a container belongs to; one less.
  void Begin(EntityRecord& record, int64_t start_ms);
  void End(EntityRecord& record, int64_t end_ms);

  // Something that the entity's labels tell has changed; those of the pod's entities.
  void Changed(EntityRecord& record) { MarkDirty(record); }
  void PodChanged(const PodRecord& pod);

  // The versions that are new or changed since the last call. `base`: labels of every entity.
  std::vector<Entity> TakeUpdates(const LabelSet& base);

  // Forgets those that ended before `before_ms`.
  void Expire(int64_t before_ms);

  size_t size() const { return entities_.size(); }

 private:
  void MarkDirty(EntityRecord& record);
  void Forget(const Id128& id);

  const size_t max_ended_;
  PodTable& pods_;
  ResolverMetrics& metrics_;
  absl::flat_hash_map<Id128, std::unique_ptr<EntityRecord>> entities_;
  std::vector<Id128> dirty_;
  EndedSet<Id128> ended_;
};

}  // namespace leadline::agent::meta
