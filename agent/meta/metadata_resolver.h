// Which container and pod a cgroup belongs to, and under which labels: turns cgroups that come and
// go, pods and owner chains, in whatever order they arrive, into entities.
//
//   resolver.OnCgroup({key, path, start_ms});  // at every appearance, nested ones included
//   resolver.OnEvent(event);                   // from the PodWatcher, and the collector's answers
//   for (const std::string& id : resolver.TakeNewContainers()) ...  // OnRuntimeNames, if known
//   for (Entity& entity : resolver.TakeUpdates()) exporter.Define(std::move(entity));
//
// A container is an entity from its first cgroup on; what is learned about its pod later counts
// from the entity's start, and what changes in the pod later begins a new version at that time.
// An update supersedes the entity's earlier versions that begin at or after its valid_from_ms;
// updates are to be handed on in the order in which they are taken.
//
// Labels: cluster and node of all; of pods and their containers namespace, pod, owner_kind and
// owner_name (direct owner), controller_kind and controller (top of the chain), workload and
// workload_type (as kubernetes-mixin has them); of containers also container and image. Until the
// API has named a pod or container, namespace, pod, container and image are what the runtime says.
// What is not unique by those names has `id`, its cgroup's path, as in cAdvisor: cgroups outside of
// containers, pods' sandboxes, containers outside of pods, what nobody names. Cgroups outside of
// containers have `unit` besides where systemd made them.
//
// Times are milliseconds since the Unix epoch. Pure: no I/O, no clock, one thread.
// Bounds: see Options; whatever is forgotten for lack of room is counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/meta/meta_event.h"
#include "agent/model/cgroup_key.h"
#include "agent/model/container_names.h"
#include "agent/model/entity.h"
#include "agent/model/peer.h"

namespace prometheus {
class Registry;
}

namespace leadline::agent::meta {

struct CgroupAppeared {
  CgroupKey key;
  std::string path;      // from the hierarchy's root: "/kubepods/..."
  int64_t start_ms = 0;  // when the directory was made
};

class MetadataResolver : public PeerNames {
 public:
  struct Options {
    std::string cluster;
    std::string node;
    std::string boot_id;
    // How long what has ended is still resolved: a pod deleted before its cgroup was seen, a
    // cgroup that ended before its pod was seen.
    int64_t retention_ms = 300'000;
    size_t max_ended = 4096;          // of pods and of entities each; the longest ended go first
    size_t max_asked_peers = 65'536;  // of the collector
  };

  // `registry` outlives the resolver.
  MetadataResolver(Options options, prometheus::Registry& registry);
  ~MetadataResolver() override;

  // The entity that the cgroup's samples belong to: its container, its pod, or itself. Again with
  // the same key and path changes nothing.
  Id128 OnCgroup(const CgroupAppeared& cgroup);
  // A key that is not known is ignored.
  void OnCgroupEnd(CgroupKey key, int64_t end_ms);
  void OnEvent(const MetaEvent& event, int64_t now_ms);
  // The ids of containers that are new since the last call: their runtimes may have names for them.
  std::vector<std::string> TakeNewContainers();
  // What a container's runtime calls it. One that is not known is ignored.
  void OnRuntimeNames(const std::string& container_id, const ContainerNames& names);
  // Forgets what ended long ago. Once per interval is enough.
  void Expire(int64_t now_ms);

  // The versions of entities that are new or changed since the last call.
  std::vector<Entity> TakeUpdates();

  // The entity of a cgroup, until `retention_ms` after its end.
  std::optional<Id128> EntityOf(CgroupKey key) const;
  // The newest version; nullptr when there is none. Valid until the next non-const call.
  const Entity* Find(const Id128& entity) const;
  // The pod that a container (or the pod itself) belongs to.
  std::optional<Id128> PodOf(const Id128& entity) const;
  // Whether a pod lives in the node's network namespace; nullopt until the pod is known.
  std::optional<bool> IsHostNetwork(const Id128& pod) const;
  // A pod of this node, whom the collector says, or the node; see PeerTable and ToldPeers. A pod
  // here that has ended gives way to whom the collector says.
  std::shared_ptr<const Peer> PeerAt(const IpAddress& address, uint16_t port) override;
  // What PeerAt was asked and the collector has not been, since the last call.
  PeerQuestions TakePeerQuestions();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace leadline::agent::meta
