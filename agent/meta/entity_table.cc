#include "agent/meta/entity_table.h"

#include <utility>

#include "agent/model/entity_id.h"

namespace leadline::agent::meta {

EntityRecord& EntityTable::Get(Id128 id, EntityKind kind, std::string_view path,
                               std::string container_id, PodRecord* pod) {
  std::unique_ptr<EntityRecord>& record = entities_[id];
  if (record == nullptr) {
    record =
        std::make_unique<EntityRecord>(id, kind, std::string(path), std::move(container_id), pod);
  }
  return *record;
}

EntityRecord& EntityTable::GetPod(PodRecord& pod) {
  pod.entity = PodId(pod.cgroup_uid());
  return Get(*pod.entity, EntityKind::kPod, pod.cgroup_path, "", &pod);
}

EntityRecord* EntityTable::Find(const Id128& id) const {
  const auto it = entities_.find(id);
  return it == entities_.end() ? nullptr : it->second.get();
}

void EntityTable::Begin(EntityRecord& record, int64_t start_ms) {
  if (record.end_ms() != 0) ended_.Remove(record.end_ms(), record.id());
  record.Begin(start_ms);
  MarkDirty(record);
  if (record.kind() == EntityKind::kContainer && record.pod() != nullptr) {
    record.pod()->containers.insert(record.id());
    Begin(GetPod(*record.pod()), start_ms);
  }
}

void EntityTable::End(EntityRecord& record, int64_t end_ms) {
  record.End(end_ms);
  if (record.end_ms() != 0) ended_.Add(record.end_ms(), record.id());
  MarkDirty(record);
  if (record.kind() == EntityKind::kContainer && record.pod() != nullptr) {
    End(GetPod(*record.pod()), end_ms);
  }
}

void EntityTable::PodChanged(const PodRecord& pod) {
  if (pod.entity) MarkDirty(*entities_.at(*pod.entity));
  for (const Id128& container : pod.containers) MarkDirty(*entities_.at(container));
}

std::vector<Entity> EntityTable::TakeUpdates(const LabelSet& base) {
  std::vector<Entity> updates;
  for (const Id128& id : std::exchange(dirty_, {})) {
    EntityRecord* record = Find(id);
    if (record == nullptr) continue;
    record->dirty = false;
    record->Render(base, updates);
  }
  return updates;
}

void EntityTable::Expire(int64_t before_ms) {
  const size_t too_many =
      ended_.Expire(before_ms, max_ended_, [&](const Id128& id) { Forget(id); });
  metrics_.CountForgotten("entity", too_many);
}

void EntityTable::MarkDirty(EntityRecord& record) {
  if (record.dirty) return;
  record.dirty = true;
  dirty_.push_back(record.id());
}

void EntityTable::Forget(const Id128& id) {
  const auto it = entities_.find(id);
  PodRecord* pod = it->second->pod();
  const bool container = it->second->kind() == EntityKind::kContainer;
  entities_.erase(it);
  if (pod == nullptr) return;
  if (container && pod->pod() == nullptr) metrics_.CountUnattributedContainer();
  pod->containers.erase(id);
  if (pod->entity == id) pod->entity.reset();
  pods_.ForgetIfUnused(*pod);
}

}  // namespace leadline::agent::meta
