#include "agent/meta/metadata_resolver.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include <fmt/format.h>

#include "agent/meta/cgroup_path.h"
#include "agent/meta/entity_table.h"
#include "agent/meta/peer_table.h"
#include "agent/meta/pod_table.h"
#include "agent/meta/resolver_metrics.h"
#include "agent/meta/told_peers.h"
#include "agent/model/entity_id.h"
#include "common/ended_set.h"

namespace leadline::agent::meta {

struct MetadataResolver::State {
  struct Cgroup {
    std::string path;
    Id128 entity;
    int64_t end_ms = 0;
  };

  State(Options with, prometheus::Registry& registry)
      : options(std::move(with)),
        base({{"cluster", options.cluster}, {"node", options.node}}),
        metrics(registry),
        pods(options.max_ended, metrics),
        entities(options.max_ended, pods, metrics),
        peers(options.node, options.max_ended, metrics),
        told_peers(options.max_asked_peers, metrics) {}

  Id128 BeginCgroup(const CgroupAppeared& cgroup);
  void EndCgroup(CgroupKey key, Cgroup& cgroup, int64_t end_ms);
  Id128 ContainerEntityId(const std::string& container_id) const;

  const Options options;
  const LabelSet base;
  ResolverMetrics metrics;
  PodTable pods;
  EntityTable entities;
  PeerTable peers;
  ToldPeers told_peers;
  absl::flat_hash_map<CgroupKey, Cgroup> cgroups;
  EndedSet<CgroupKey> ended_cgroups;
  std::vector<std::string> new_containers;
};

Id128 MetadataResolver::State::BeginCgroup(const CgroupAppeared& cgroup) {
  const std::string_view path = cgroup.path;
  CgroupPath parsed = ParseCgroupPath(path);
  if (parsed.kind == CgroupKind::kOther) {
    const Id128 id = CgroupId(options.boot_id, cgroup.key.hierarchy, cgroup.key.id);
    entities.Begin(entities.Get(id, EntityKind::kCgroup, path, "", nullptr), cgroup.start_ms);
    return id;
  }
  PodRecord* pod = nullptr;
  if (!parsed.pod_uid.empty()) {
    pod = &pods.Get(parsed.pod_uid);
    if (pod->cgroup_path.empty()) pod->cgroup_path = path.substr(0, parsed.pod_length);
  }
  if (parsed.kind == CgroupKind::kPod && pod != nullptr) {
    entities.Begin(entities.GetPod(*pod), cgroup.start_ms);
    return *pod->entity;
  }
  const Id128 id = ContainerEntityId(parsed.container_id);
  if (entities.Find(id) == nullptr) new_containers.push_back(parsed.container_id);
  EntityRecord& record = entities.Get(id, EntityKind::kContainer, path.substr(0, parsed.own_length),
                                      std::move(parsed.container_id), pod);
  entities.Begin(record, cgroup.start_ms);
  // Should two pods ever claim one container, the first keeps it.
  if (pod != nullptr && pod != record.pod()) pods.ForgetIfUnused(*pod);
  return id;
}

Id128 MetadataResolver::State::ContainerEntityId(const std::string& container_id) const {
  // Ids that a runtime made are unique in the world; those that a person chose are so on a boot.
  constexpr size_t kMadeIdBytes = 64;
  if (container_id.size() == kMadeIdBytes) return ContainerId(container_id);
  return ContainerId(fmt::format("{}/{}", options.boot_id, container_id));
}

void MetadataResolver::State::EndCgroup(CgroupKey key, Cgroup& cgroup, int64_t end_ms) {
  cgroup.end_ms = end_ms;
  ended_cgroups.Add(end_ms, key);
  entities.End(*entities.Find(cgroup.entity), end_ms);
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
  State& s = *state_;
  if (const auto* answer = std::get_if<PeerAnswer>(&event)) return s.told_peers.OnAnswer(*answer);
  const PodRecord* changed = nullptr;
  if (const auto* applied = std::get_if<PodApplied>(&event)) {
    changed = &s.pods.Apply(applied->pod, now_ms);
  } else if (const auto* deleted = std::get_if<PodDeleted>(&event)) {
    changed = s.pods.Delete(deleted->pod, now_ms);
  } else if (const auto* owners = std::get_if<OwnersResolved>(&event)) {
    changed = s.pods.SetOwners(*owners);
  }
  if (changed == nullptr) return;
  s.entities.PodChanged(*changed);
  s.peers.PodChanged(*changed, now_ms);
}

std::vector<std::string> MetadataResolver::TakeNewContainers() {
  return std::exchange(state_->new_containers, {});
}

void MetadataResolver::OnRuntimeNames(const std::string& container_id,
                                      const ContainerNames& names) {
  EntityTable& entities = state_->entities;
  EntityRecord* record = entities.Find(state_->ContainerEntityId(container_id));
  if (record == nullptr) return;
  record->SetRuntimeNames(names);
  entities.Changed(*record);
  PodRecord* pod = record->pod();
  if (pod != nullptr && pod->SetRuntimeNames(names)) entities.PodChanged(*pod);
}

void MetadataResolver::Expire(int64_t now_ms) {
  State& s = *state_;
  const int64_t before_ms = now_ms - s.options.retention_ms;
  const size_t too_many = s.ended_cgroups.Expire(before_ms, s.options.max_ended,
                                                 [&](CgroupKey key) { s.cgroups.erase(key); });
  s.metrics.CountForgotten("cgroup", too_many);
  s.entities.Expire(before_ms);
  s.pods.Expire(before_ms);
  s.peers.Expire(before_ms);
  s.told_peers.Expire(now_ms, before_ms);
  s.metrics.SetEntities(s.entities.size());
  s.metrics.SetPods(s.pods.size());
}

std::vector<Entity> MetadataResolver::TakeUpdates() {
  return state_->entities.TakeUpdates(state_->base);
}

std::optional<Id128> MetadataResolver::EntityOf(CgroupKey key) const {
  const auto it = state_->cgroups.find(key);
  if (it == state_->cgroups.end()) return std::nullopt;
  return it->second.entity;
}

const Entity* MetadataResolver::Find(const Id128& entity) const {
  const EntityRecord* record = state_->entities.Find(entity);
  return record == nullptr ? nullptr : record->newest();
}

std::optional<Id128> MetadataResolver::PodOf(const Id128& entity) const {
  const EntityRecord* record = state_->entities.Find(entity);
  if (record == nullptr || record->pod() == nullptr) return std::nullopt;
  return record->pod()->entity;
}

std::optional<bool> MetadataResolver::IsHostNetwork(const Id128& pod) const {
  const EntityRecord* record = state_->entities.Find(pod);
  if (record == nullptr || record->pod() == nullptr) return std::nullopt;
  const auto& known = record->pod()->pod();
  if (known == nullptr) return std::nullopt;
  return known->host_network;
}

std::shared_ptr<const Peer> MetadataResolver::PeerAt(const IpAddress& address, uint16_t port) {
  std::shared_ptr<const Peer> here = state_->peers.At(address);
  if (IsLoopback(address) || state_->peers.IsOfLivingPod(address)) return here;
  std::shared_ptr<const Peer> told = state_->told_peers.At({address, port});
  return told == nullptr ? here : told;
}

PeerQuestions MetadataResolver::TakePeerQuestions() { return state_->told_peers.TakeQuestions(); }

}  // namespace leadline::agent::meta
