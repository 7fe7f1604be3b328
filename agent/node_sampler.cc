#include "agent/node_sampler.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

#include "agent/model/entity_id.h"
#include "agent/source/cgroup_tree.h"
#include "agent/source/net_dev.h"

namespace leadline::agent {
namespace {

using aggregate::Subject;

}  // namespace

NodeSampler::NodeSampler(NodeSamplerOptions options, const source::CgroupMounts& mounts,
                         probes::Probes& probes, CgroupInventory& inventory,
                         meta::MetadataResolver& resolver, Batcher& batcher,
                         prometheus::Registry& registry)
    : options_(std::move(options)),
      node_id_(NodeId(options_.cluster, options_.node)),
      inventory_(inventory),
      resolver_(resolver),
      batcher_(batcher),
      recorder_(batcher),
      kernel_counters_(probes, inventory, resolver, batcher, registry),
      processes_(options_.processes, inventory, resolver, probes.process_totals(), batcher,
                 recorder_, registry),
      files_(source::DescriptorBudget()),
      cgroup_stats_(mounts, files_),
      device_names_(files_),
      node_figures_(files_, recorder_, registry),
      intervals_skipped_(prometheus::BuildCounter()
                             .Name("leadline_agent_intervals_skipped_total")
                             .Help("Intervals not sampled since the clock was set back.")
                             .Register(registry)
                             .Add({})),
      file_metrics_(files_, registry) {}

void NodeSampler::Sample(int64_t ts_ms) {
  if (ts_ms <= now_ms_) {
    intervals_skipped_.Increment();
    ++skipped_;
    return;
  }
  if (skipped_ > 0) {
    spdlog::warn("sampling again: {} intervals were skipped since the clock was set back",
                 std::exchange(skipped_, 0));
  }
  previous_ms_ = std::exchange(now_ms_, ts_ms);
  DefineNode();
  TakeUpdates();
  SampleKernelCounters();
  SampleContainers();
  const Tracked* node = Find(node_id_);
  node_figures_.Sample(FileSubject(*node, node->entity.start_ms));
  processes_.Sample(ts_ms, node->entity);
  files_.EndRound();
  device_names_.Clear();
  file_metrics_.Update();
  CloseEnded();
  inventory_.DropEnded();
  resolver_.Expire(ts_ms);
}

void NodeSampler::DefineNode() {
  if (tracked_.contains(node_id_)) return;
  Entity node{.id = node_id_,
              .kind = EntityKind::kNode,
              .labels = {{"cluster", options_.cluster}, {"node", options_.node}},
              .start_ms = options_.processes.boot_unix_ms,
              .valid_from_ms = options_.processes.boot_unix_ms,
              .revision = 1};
  const EntityRef ref = batcher_.DefineEntity(node);
  tracked_.emplace(node_id_, Tracked{.ref = ref, .entity = std::move(node)});
}

void NodeSampler::TakeUpdates() {
  for (Entity& entity : resolver_.TakeUpdates()) {
    const EntityRef ref = batcher_.DefineEntity(entity);
    if (entity.end_ms != 0) ended_.insert(entity.id);
    const Id128 id = entity.id;
    tracked_.insert_or_assign(id, Tracked{.ref = ref, .entity = std::move(entity)});
  }
}

void NodeSampler::SampleKernelCounters() {
  kernel_counters_.Read(Find(node_id_)->ref, [&](const Id128& entity) {
    const Tracked* tracked = Find(entity);
    return tracked == nullptr ? std::nullopt : std::optional(tracked->ref);
  });
  for (const auto& [id, tracked] : tracked_) {
    if (!ended_.contains(id)) kernel_counters_.Record(KernelSubject(tracked, now_ms_), recorder_);
  }
}

void NodeSampler::SampleContainers() {
  pids_.clear();
  hosts_.clear();
  pids_of_pod_.clear();
  for (const auto& [id, cgroup] : inventory_.live()) {
    if (cgroup.outer_length == 0) continue;
    if (cgroup.is_whole_container() && cgroup.host_length != 0 && Reports(cgroup)) {
      hosts_.emplace(cgroup.Host());
    }
    const auto pids = source::CgroupProcesses(inventory_.Directory(cgroup));
    if (!pids.ok()) continue;
    std::vector<int32_t>& all = pids_[cgroup.Outer()];
    all.insert(all.end(), pids->begin(), pids->end());
  }
  for (const auto& [id, cgroup] : inventory_.live()) {
    const Tracked* container = Find(cgroup.entity);
    if (!cgroup.is_whole_container() || container == nullptr || !Reports(cgroup) ||
        hosts_.contains(cgroup.path)) {
      continue;
    }
    const auto pids = pids_.find(cgroup.path);
    const bool readable = pids != pids_.end();
    containers_.Record(FileSubject(*container, cgroup.start_ms), cgroup.start_ms,
                       cgroup_stats_.Read(cgroup.path), device_names_,
                       readable ? std::optional(pids->second.size()) : std::nullopt, recorder_);
    const auto pod = resolver_.PodOf(cgroup.entity);
    if (!pod || !readable || resolver_.IsHostNetwork(*pod).value_or(false)) continue;
    std::vector<int32_t>& of_pod = pids_of_pod_[*pod];
    of_pod.insert(of_pod.end(), pids->second.begin(), pids->second.end());
  }
  SampleNetworks();
}

bool NodeSampler::Reports(const Cgroup& container) const {
  if (container.host_length == 0 || !container.host_in_pod) return true;
  const auto pod = resolver_.PodOf(container.entity);
  return pod && resolver_.IsHostNetwork(*pod).has_value();
}

void NodeSampler::SampleNetworks() {
  for (auto& [pod_id, pids] : pids_of_pod_) {
    // So that the same questions are asked in a replay.
    std::sort(pids.begin(), pids.end());
    const Tracked* pod = Find(pod_id);
    const std::optional<int32_t> pid =
        pod == nullptr ? std::nullopt : pod_networks_.Member(pod_id, pids);
    if (!pid) continue;
    const auto interfaces = source::ReadNetDev(*pid, reader_);
    if (!interfaces.ok()) {
      spdlog::debug("network of pod {}: {}", pod->entity.labels.ToString(),
                    interfaces.status().ToString());
      continue;
    }
    networks_.Record(FileSubject(*pod, pod->entity.start_ms), *interfaces, recorder_);
  }
}

void NodeSampler::CloseEnded() {
  for (const Id128& id : ended_) {
    const auto it = tracked_.find(id);
    if (it == tracked_.end()) continue;
    const EntityRef ref = it->second.ref;
    kernel_counters_.Record(KernelSubject(it->second, batcher_.EndFrameMs(ref)), recorder_);
    batcher_.Forget(ref);
    kernel_counters_.Forget(ref);
    containers_.Forget(ref);
    networks_.Forget(ref);
    pod_networks_.Forget(id);
    tracked_.erase(it);
  }
  ended_.clear();
}

const NodeSampler::Tracked* NodeSampler::Find(const Id128& entity) const {
  const auto it = tracked_.find(entity);
  return it == tracked_.end() ? nullptr : &it->second;
}

Subject NodeSampler::KernelSubject(const Tracked& tracked, int64_t ts_ms) const {
  return {.entity = tracked.ref,
          .owner = &tracked.entity,
          .counted_from_ms = std::max(tracked.entity.start_ms, options_.counted_from_ms),
          .still_zero_ms = previous_ms_,
          .ts_ms = ts_ms};
}

Subject NodeSampler::FileSubject(const Tracked& tracked, int64_t start_ms) const {
  return {.entity = tracked.ref, .counted_from_ms = start_ms, .ts_ms = now_ms_};
}

}  // namespace leadline::agent
