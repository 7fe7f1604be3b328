// One entity and the versions of it that were handed out.
//
// Times are milliseconds since the Unix epoch. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/meta/pod_record.h"
#include "agent/meta/revision.h"
#include "agent/model/container_names.h"
#include "agent/model/entity.h"

namespace leadline::agent::meta {

class EntityRecord {
 public:
  // `path` is the entity's own cgroup; `pod`, where there is one, outlives the record.
  EntityRecord(Id128 id, EntityKind kind, std::string path, std::string container_id,
               PodRecord* pod);

  // One more cgroup of the entity. The earliest start counts.
  void Begin(int64_t start_ms);
  // One cgroup less; with the last one the entity ends.
  void End(int64_t end_ms);

  // What the container's runtime calls it, for as long as the API says nothing.
  void SetRuntimeNames(ContainerNames names) { runtime_names_ = std::move(names); }

  // Appends the versions that are new or changed since the last call, and those that they would
  // supersede. `base` holds the labels that every entity has.
  void Render(const LabelSet& base, std::vector<Entity>& updates);

  const Entity* newest() const { return handed_out_.empty() ? nullptr : &handed_out_.back(); }
  const Id128& id() const { return id_; }
  EntityKind kind() const { return kind_; }
  PodRecord* pod() const { return pod_; }
  int64_t end_ms() const { return end_ms_; }

  bool dirty = false;  // kept by the resolver: something changed since the last Render

 private:
  struct Rendered {
    Entity entity;
    RevisionParts revision;
  };

  // What the versions are now, oldest first; at least one.
  std::vector<Rendered> Versions(const LabelSet& base) const;
  Rendered Version(const LabelSet& base, const PodRecord::Version* of_pod) const;
  // What a runtime calls its pod; nullptr where none does.
  const ContainerNames* NamesOfPod() const;
  // Of the entity itself, beside those of its pod.
  void AddOwnLabels(bool pod_is_named, LabelSet& labels) const;

  const Id128 id_;
  const EntityKind kind_;
  const std::string path_;
  const std::string container_id_;  // "" unless a container
  PodRecord* const pod_;            // nullptr where there is none

  std::optional<PodRecord::ContainerRun> run_;  // once a status has named the container
  std::optional<ContainerNames> runtime_names_;
  int64_t start_ms_ = 0;
  int64_t end_ms_ = 0;
  int live_cgroups_ = 0;
  std::vector<Entity> handed_out_;  // the versions, oldest first
  uint64_t last_revision_ = 0;
};

}  // namespace leadline::agent::meta
