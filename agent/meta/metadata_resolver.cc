#include "agent/meta/metadata_resolver.h"

#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "agent/meta/cgroup_path.h"
#include "agent/meta/ended_set.h"
#include "agent/meta/entity_record.h"
#include "agent/meta/pod_record.h"
#include "agent/model/entity_id.h"
#include "common/string_map.h"

namespace leadline::agent::meta {
namespace {

constexpr int64_t kEndOfTime = std::numeric_limits<int64_t>::max();

struct Metrics {
  explicit Metrics(prometheus::Registry& registry)
      : entities(prometheus::BuildGauge()
                     .Name("leadline_agent_meta_entities")
                     .Help("Containers, pods and cgroups known, those that ended lately included.")
                     .Register(registry)
                     .Add({})),
        pods(prometheus::BuildGauge()
                 .Name("leadline_agent_meta_pods")
                 .Help("Pods known from the API or from a cgroup.")
                 .Register(registry)
                 .Add({})),
        forgotten(prometheus::BuildCounter()
                      .Name("leadline_agent_meta_forgotten_total")
                      .Help("What ended and was forgotten before its time, for lack of room.")
                      .Register(registry)),
        unattributed(prometheus::BuildCounter()
                         .Name("leadline_agent_meta_unattributed_containers_total")
                         .Help("Containers of pods that ended and that the API never named.")
                         .Register(registry)
                         .Add({})) {}

  prometheus::Gauge& entities;
  prometheus::Gauge& pods;
  prometheus::Family<prometheus::Counter>& forgotten;
  prometheus::Counter& unattributed;
};

}  // namespace

struct MetadataResolver::State {
  struct Cgroup {
    std::string path;
    Id128 entity;
    int64_t end_ms = 0;
  };

  State(Options with, prometheus::Registry& registry)
      : options(std::move(with)),
        base({{"cluster", options.cluster}, {"node", options.node}}),
        metrics(registry) {}

  const Options options;
  const LabelSet base;
  Metrics metrics;

  absl::flat_hash_map<CgroupKey, Cgroup> cgroups;
  absl::flat_hash_map<Id128, std::unique_ptr<EntityRecord>> entities;
  StringMap<std::unique_ptr<PodRecord>> pods;  // by the uid that their cgroups carry
  StringMap<std::string> by_api_uid;         // metadata.uid -> that uid, of pods the API has named
  StringMap<kube::OwnerChain> early_chains;  // by metadata.uid, of pods not yet named
  std::vector<Id128> dirty;

  EndedSet<CgroupKey> ended_cgroups;
  EndedSet<Id128> ended_entities;
  EndedSet<std::string> deleted_pods;

  PodRecord& Pod(std::string_view cgroup_uid);
  EntityRecord& Entity(Id128 id, EntityKind kind, std::string_view path, std::string container_id,
                       PodRecord* pod);
  Id128 BeginCgroup(const CgroupAppeared& cgroup);
  void EndCgroup(CgroupKey key, Cgroup& cgroup, int64_t end_ms);
  Id128 ContainerEntityId(const std::string& container_id) const;
  EntityRecord& PodEntity(PodRecord& pod);
  // Of an entity, and of the pod that a container belongs to.
  void Begin(EntityRecord& record, int64_t start_ms);
  void End(EntityRecord& record, int64_t end_ms);

  void Apply(const std::shared_ptr<const kube::Pod>& pod, int64_t now_ms);
  void Delete(const std::shared_ptr<const kube::Pod>& pod, int64_t now_ms);
  void SetChain(const OwnersResolved& owners);
  void MarkDirty(EntityRecord& record);
  void MarkDirty(const PodRecord& pod);

  void ForgetEntity(Id128 id);
  void ForgetIfUnused(PodRecord& pod);
  template <typename K, typename Forget>
  void Expire(EndedSet<K>& ended, const char* what, int64_t before_ms, Forget forget);
};

PodRecord& MetadataResolver::State::Pod(std::string_view cgroup_uid) {
  std::unique_ptr<PodRecord>& record = pods[cgroup_uid];
  if (record == nullptr) record = std::make_unique<PodRecord>(std::string(cgroup_uid));
  return *record;
}

EntityRecord& MetadataResolver::State::Entity(Id128 id, EntityKind kind, std::string_view path,
                                              std::string container_id, PodRecord* pod) {
  std::unique_ptr<EntityRecord>& record = entities[id];
  if (record == nullptr) {
    record =
        std::make_unique<EntityRecord>(id, kind, std::string(path), std::move(container_id), pod);
  }
  return *record;
}

Id128 MetadataResolver::State::BeginCgroup(const CgroupAppeared& cgroup) {
  const std::string_view path = cgroup.path;
  CgroupPath parsed = ParseCgroupPath(path);
  if (parsed.kind == CgroupKind::kOther) {
    const Id128 id = CgroupId(options.boot_id, cgroup.key.hierarchy, cgroup.key.id);
    Begin(Entity(id, EntityKind::kCgroup, path, "", nullptr), cgroup.start_ms);
    return id;
  }
  PodRecord* pod = nullptr;
  if (!parsed.pod_uid.empty()) {
    pod = &Pod(parsed.pod_uid);
    if (pod->cgroup_path.empty()) pod->cgroup_path = path.substr(0, parsed.pod_length);
  }
  if (parsed.kind == CgroupKind::kPod) {
    Begin(PodEntity(*pod), cgroup.start_ms);
    return *pod->entity;
  }
  const Id128 id = ContainerEntityId(parsed.container_id);
  EntityRecord& record = Entity(id, EntityKind::kContainer, path.substr(0, parsed.own_length),
                                std::move(parsed.container_id), pod);
  Begin(record, cgroup.start_ms);
  // Should two pods ever claim one container, the first keeps it.
  if (pod != nullptr && pod != record.pod()) ForgetIfUnused(*pod);
  return id;
}

Id128 MetadataResolver::State::ContainerEntityId(const std::string& container_id) const {
  // Ids that a runtime made are unique in the world; those that a person chose are so on a boot.
  constexpr size_t kMadeIdBytes = 64;
  if (container_id.size() == kMadeIdBytes) return ContainerId(container_id);
  return ContainerId(fmt::format("{}/{}", options.boot_id, container_id));
}

EntityRecord& MetadataResolver::State::PodEntity(PodRecord& pod) {
  pod.entity = PodId(pod.cgroup_uid());
  return Entity(*pod.entity, EntityKind::kPod, pod.cgroup_path, "", &pod);
}

void MetadataResolver::State::Begin(EntityRecord& record, int64_t start_ms) {
  if (record.end_ms() != 0) ended_entities.Remove(record.end_ms(), record.id());
  record.Begin(start_ms);
  MarkDirty(record);
  if (record.kind() == EntityKind::kContainer && record.pod() != nullptr) {
    record.pod()->containers.insert(record.id());
    Begin(PodEntity(*record.pod()), start_ms);
  }
}

void MetadataResolver::State::End(EntityRecord& record, int64_t end_ms) {
  record.End(end_ms);
  if (record.end_ms() != 0) ended_entities.Add(record.end_ms(), record.id());
  MarkDirty(record);
  if (record.kind() == EntityKind::kContainer && record.pod() != nullptr) {
    End(PodEntity(*record.pod()), end_ms);
  }
}

void MetadataResolver::State::EndCgroup(CgroupKey key, Cgroup& cgroup, int64_t end_ms) {
  cgroup.end_ms = end_ms;
  ended_cgroups.Add(end_ms, key);
  End(*entities.at(cgroup.entity), end_ms);
}

void MetadataResolver::State::Apply(const std::shared_ptr<const kube::Pod>& pod, int64_t now_ms) {
  PodRecord& record = Pod(pod->CgroupUid());
  if (record.deleted_ms != 0) deleted_pods.Remove(record.deleted_ms, record.cgroup_uid());
  record.deleted_ms = 0;
  if (record.pod() != nullptr) by_api_uid.erase(record.pod()->meta.uid);
  by_api_uid[pod->meta.uid] = record.cgroup_uid();
  record.Apply(pod, now_ms);
  if (const auto early = early_chains.find(pod->meta.uid); early != early_chains.end()) {
    record.SetChain(std::move(early->second));
    early_chains.erase(early);
  }
  MarkDirty(record);
}

void MetadataResolver::State::Delete(const std::shared_ptr<const kube::Pod>& pod, int64_t now_ms) {
  const auto known = pods.find(pod->CgroupUid());
  // A mirror pod that the kubelet has made anew has the cgroups of the former one.
  const bool replaced = known != pods.end() && known->second->pod() != nullptr &&
                        known->second->pod()->meta.uid != pod->meta.uid;
  if (replaced) return;
  Apply(pod, now_ms);
  PodRecord& record = Pod(pod->CgroupUid());
  record.deleted_ms = now_ms;
  deleted_pods.Add(now_ms, record.cgroup_uid());
}

void MetadataResolver::State::SetChain(const OwnersResolved& owners) {
  const auto known = by_api_uid.find(owners.pod_uid);
  if (known == by_api_uid.end()) {
    if (early_chains.size() >= options.max_ended) {
      metrics.forgotten.Add({{"what", "owners"}})
          .Increment(static_cast<double>(early_chains.size()));
      early_chains.clear();
    }
    early_chains[owners.pod_uid] = owners.chain;
    return;
  }
  PodRecord& record = Pod(known->second);
  record.SetChain(owners.chain);
  MarkDirty(record);
}

void MetadataResolver::State::MarkDirty(EntityRecord& record) {
  if (record.dirty) return;
  record.dirty = true;
  dirty.push_back(record.id());
}

void MetadataResolver::State::MarkDirty(const PodRecord& pod) {
  if (pod.entity) MarkDirty(*entities.at(*pod.entity));
  for (const Id128& container : pod.containers) MarkDirty(*entities.at(container));
}

void MetadataResolver::State::ForgetEntity(Id128 id) {
  const auto it = entities.find(id);
  PodRecord* pod = it->second->pod();
  const bool container = it->second->kind() == EntityKind::kContainer;
  entities.erase(it);
  if (pod == nullptr) return;
  if (container && pod->pod() == nullptr) metrics.unattributed.Increment();
  pod->containers.erase(id);
  if (pod->entity == id) pod->entity.reset();
  ForgetIfUnused(*pod);
}

void MetadataResolver::State::ForgetIfUnused(PodRecord& pod) {
  const bool in_api = pod.pod() != nullptr && pod.deleted_ms != kEndOfTime;
  if (in_api || pod.entity || !pod.containers.empty()) return;
  if (pod.pod() != nullptr) by_api_uid.erase(pod.pod()->meta.uid);
  pods.erase(pod.cgroup_uid());
}

template <typename K, typename Forget>
void MetadataResolver::State::Expire(EndedSet<K>& ended, const char* what, int64_t before_ms,
                                     Forget forget) {
  while (const std::optional<K> key = ended.TakeBefore(before_ms)) forget(*key);
  while (ended.size() > options.max_ended) {
    metrics.forgotten.Add({{"what", what}}).Increment();
    forget(*ended.TakeBefore(kEndOfTime));
  }
}

MetadataResolver::MetadataResolver(Options options, prometheus::Registry& registry)
    : state_(std::make_unique<State>(std::move(options), registry)) {}
MetadataResolver::~MetadataResolver() = default;

Id128 MetadataResolver::OnCgroup(const CgroupAppeared& cgroup) {
  const auto it = state_->cgroups.find(cgroup.key);
  if (it != state_->cgroups.end()) {
    State::Cgroup& known = it->second;
    if (known.end_ms == 0 && known.path == cgroup.path) return known.entity;
    if (known.end_ms == 0) state_->EndCgroup(cgroup.key, known, cgroup.start_ms);
    state_->ended_cgroups.Remove(known.end_ms, cgroup.key);
  }
  const Id128 entity = state_->BeginCgroup(cgroup);
  state_->cgroups[cgroup.key] = {.path = cgroup.path, .entity = entity};
  return entity;
}

void MetadataResolver::OnCgroupEnd(CgroupKey key, int64_t end_ms) {
  const auto it = state_->cgroups.find(key);
  if (it != state_->cgroups.end() && it->second.end_ms == 0) {
    state_->EndCgroup(key, it->second, end_ms);
  }
}

void MetadataResolver::OnEvent(const MetaEvent& event, int64_t now_ms) {
  if (const auto* applied = std::get_if<PodApplied>(&event)) {
    state_->Apply(applied->pod, now_ms);
  } else if (const auto* deleted = std::get_if<PodDeleted>(&event)) {
    state_->Delete(deleted->pod, now_ms);
  } else if (const auto* owners = std::get_if<OwnersResolved>(&event)) {
    state_->SetChain(*owners);
  }
}

void MetadataResolver::Expire(int64_t now_ms) {
  State& state = *state_;
  const int64_t before_ms = now_ms - state.options.retention_ms;
  state.Expire(state.ended_cgroups, "cgroup", before_ms,
               [&](CgroupKey key) { state.cgroups.erase(key); });
  state.Expire(state.ended_entities, "entity", before_ms,
               [&](const Id128& id) { state.ForgetEntity(id); });
  state.Expire(state.deleted_pods, "pod", before_ms, [&](const std::string& uid) {
    PodRecord& pod = *state.pods.at(uid);
    pod.deleted_ms = kEndOfTime;
    state.ForgetIfUnused(pod);
  });
  state.metrics.entities.Set(static_cast<double>(state.entities.size()));
  state.metrics.pods.Set(static_cast<double>(state.pods.size()));
}

std::vector<Entity> MetadataResolver::TakeUpdates() {
  std::vector<Entity> updates;
  for (const Id128& id : std::exchange(state_->dirty, {})) {
    const auto it = state_->entities.find(id);
    if (it == state_->entities.end()) continue;
    it->second->dirty = false;
    it->second->Render(state_->base, updates);
  }
  return updates;
}

std::optional<Id128> MetadataResolver::EntityOf(CgroupKey key) const {
  const auto it = state_->cgroups.find(key);
  if (it == state_->cgroups.end()) return std::nullopt;
  return it->second.entity;
}

const Entity* MetadataResolver::Find(const Id128& entity) const {
  const auto it = state_->entities.find(entity);
  return it == state_->entities.end() ? nullptr : it->second->newest();
}

std::optional<Id128> MetadataResolver::PodOf(const Id128& entity) const {
  const auto it = state_->entities.find(entity);
  if (it == state_->entities.end() || it->second->pod() == nullptr) return std::nullopt;
  return it->second->pod()->entity;
}

std::optional<bool> MetadataResolver::IsHostNetwork(const Id128& pod) const {
  const auto it = state_->entities.find(pod);
  if (it == state_->entities.end() || it->second->pod() == nullptr) return std::nullopt;
  const auto& known = it->second->pod()->pod();
  if (known == nullptr) return std::nullopt;
  return known->host_network;
}

}  // namespace leadline::agent::meta
