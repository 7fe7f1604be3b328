#include "agent/meta/entity_record.h"

#include <algorithm>
#include <utility>

#include "agent/meta/systemd_unit.h"

namespace leadline::agent::meta {
namespace {

bool SameButRevision(const Entity& a, const Entity& b) {
  return a.labels == b.labels && a.kubernetes_labels == b.kubernetes_labels &&
         a.start_ms == b.start_ms && a.end_ms == b.end_ms && a.valid_from_ms == b.valid_from_ms;
}

}  // namespace

EntityRecord::EntityRecord(Id128 id, EntityKind kind, std::string path, std::string container_id,
                           PodRecord* pod)
    : id_(id),
      kind_(kind),
      path_(std::move(path)),
      container_id_(std::move(container_id)),
      pod_(pod) {}

void EntityRecord::Begin(int64_t start_ms) {
  const bool first = live_cgroups_ == 0 && end_ms_ == 0;
  start_ms_ = first ? start_ms : std::min(start_ms_, start_ms);
  end_ms_ = 0;
  ++live_cgroups_;
}

void EntityRecord::End(int64_t end_ms) {
  if (--live_cgroups_ == 0) end_ms_ = std::max(end_ms, start_ms_);
}

EntityRecord::Rendered EntityRecord::Version(const LabelSet& base,
                                             const PodRecord::Version* of_pod) const {
  Rendered rendered;
  Entity& entity = rendered.entity;
  entity.id = id_;
  entity.kind = kind_;
  entity.labels = base;
  entity.start_ms = entity.valid_from_ms = start_ms_;
  if (of_pod != nullptr) {
    pod_->AddLabels(*of_pod, entity.labels);
    entity.kubernetes_labels = of_pod->kubernetes_labels;
    entity.valid_from_ms = std::max(start_ms_, of_pod->from_ms);
    rendered.revision = {.resource_version = of_pod->resource_version,
                         .owners_known = !entity.labels.Get("workload").empty()};
  } else if (const ContainerNames* names = NamesOfPod()) {
    entity.labels.Set("namespace", names->namespace_name);
    entity.labels.Set("pod", names->pod);
    rendered.revision.named_by = NamedBy::kRuntime;
  }
  AddOwnLabels(!entity.labels.Get("pod").empty(), entity.labels);
  if (runtime_names_) rendered.revision.named_by = NamedBy::kRuntime;
  if (run_) rendered.revision.named_by = NamedBy::kApi;
  return rendered;
}

const ContainerNames* EntityRecord::NamesOfPod() const {
  // A container whose cgroup does not tell its pod has the pod's names from its own file.
  const auto& names = pod_ == nullptr ? runtime_names_ : pod_->runtime_names();
  return names && !names->pod.empty() ? &*names : nullptr;
}

void EntityRecord::AddOwnLabels(bool pod_is_named, LabelSet& labels) const {
  bool unique = kind_ == EntityKind::kPod && pod_is_named;
  if (run_) {
    labels.Set("container", run_->name);
    labels.Set("image", run_->image);
    unique = true;
  } else if (runtime_names_ && !runtime_names_->container.empty()) {
    labels.Set("container", runtime_names_->container);
    labels.Set("image", runtime_names_->image);
    unique = pod_is_named;
  }
  if (!unique) labels.Set("id", path_);
  if (kind_ == EntityKind::kCgroup) labels.Set("unit", SystemdUnit(path_));
}

std::vector<EntityRecord::Rendered> EntityRecord::Versions(const LabelSet& base) const {
  std::vector<Rendered> versions;
  if (pod_ == nullptr || pod_->versions().empty()) {
    versions.push_back(Version(base, nullptr));
  } else {
    for (const PodRecord::Version& version : pod_->versions()) {
      // Of the versions before the entity's start the last one holds.
      if (version.from_ms <= start_ms_) versions.clear();
      versions.push_back(Version(base, &version));
    }
  }
  versions.back().entity.end_ms = end_ms_;
  versions.back().revision.ended = end_ms_ != 0;
  return versions;
}

void EntityRecord::Render(const LabelSet& base, std::vector<Entity>& updates) {
  if (!run_ && pod_ != nullptr && !container_id_.empty()) {
    if (const PodRecord::ContainerRun* run = pod_->FindRun(container_id_)) run_ = *run;
  }
  std::vector<Rendered> versions = Versions(base);
  // What the pod's record has forgotten was handed out, and stays.
  const int64_t oldest_ms = versions.front().entity.valid_from_ms;
  std::erase_if(handed_out_, [&](const Entity& old) {
    return old.start_ms == start_ms_ && old.valid_from_ms < oldest_ms;
  });
  bool changed = false;
  for (size_t i = 0; i < versions.size(); ++i) {
    Entity& entity = versions[i].entity;
    changed = changed || i >= handed_out_.size() || !SameButRevision(entity, handed_out_[i]);
    if (changed) {
      entity.revision = last_revision_ = NextRevision(last_revision_, versions[i].revision);
      updates.push_back(entity);
    } else {
      entity.revision = handed_out_[i].revision;
    }
  }
  handed_out_.clear();
  for (Rendered& version : versions) handed_out_.push_back(std::move(version.entity));
}

}  // namespace leadline::agent::meta
