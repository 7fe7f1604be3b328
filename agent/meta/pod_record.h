// What is known about one pod, from the API and from its cgroups, and how its labels changed.
//
// Times are milliseconds since the Unix epoch. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"

#include "agent/meta/revision.h"
#include "agent/model/container_names.h"
#include "common/id128.h"
#include "common/labels.h"
#include "common/string_map.h"
#include "kube/owner_chain.h"
#include "kube/pod.h"

namespace leadline::agent::meta {

class PodRecord {
 public:
  static constexpr int64_t kFromStart = std::numeric_limits<int64_t>::min();
  static constexpr size_t kMaxVersions = 32;
  static constexpr size_t kMaxContainerRuns = 256;

  // The labels that the pod had from some time on.
  struct Version {
    int64_t from_ms = kFromStart;
    uint64_t resource_version = 0;
    std::vector<Label> kubernetes_labels;
    std::optional<kube::Owner> owner;  // the direct controller
  };
  struct ContainerRun {
    std::string name;
    std::string image;
  };

  explicit PodRecord(std::string cgroup_uid) : cgroup_uid_(std::move(cgroup_uid)) {}

  // The pod as it is from `now_ms` on; from its start when this is the first that is heard of it.
  void Apply(std::shared_ptr<const kube::Pod> pod, int64_t now_ms);
  void SetChain(kube::OwnerChain chain);
  // What the runtime of one of its containers calls it. True the first time.
  bool SetRuntimeNames(const ContainerNames& names);
  // nullptr while the chain of that version's owner is not known.
  const kube::OwnerChain* ChainOf(const Version& version) const;

  // The labels that the pod's entities share, at that version.
  void AddLabels(const Version& version, LabelSet& labels) const;
  // nullptr when no status has named the container.
  const ContainerRun* FindRun(std::string_view container_id) const;

  const std::string& cgroup_uid() const { return cgroup_uid_; }
  // nullptr until the API has named the pod.
  const std::shared_ptr<const kube::Pod>& pod() const { return pod_; }
  const std::vector<Version>& versions() const { return versions_; }
  const std::optional<ContainerNames>& runtime_names() const { return runtime_names_; }

  // Kept by the resolver.
  std::string cgroup_path;                // the pod's own, once a cgroup was seen
  std::optional<Id128> entity;            // the pod's, once a cgroup was seen
  absl::flat_hash_set<Id128> containers;  // their entities
  int64_t deleted_ms = 0;                 // 0 while the API has it

 private:
  void NoteRuns();

  const std::string cgroup_uid_;
  std::shared_ptr<const kube::Pod> pod_;
  std::vector<Version> versions_;
  std::optional<ContainerNames> runtime_names_;
  StringMap<kube::OwnerChain> chains_;  // by the direct owner's uid
  StringMap<ContainerRun> runs_;        // by container id, former ones too
};

}  // namespace leadline::agent::meta
