#include "agent/process_sampler.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "agent/model/entity_id.h"

namespace leadline::agent {

ProcessSampler::ProcessSampler(ProcessSamplerOptions options, const CgroupInventory& inventory,
                               const meta::MetadataResolver& resolver, Batcher& batcher,
                               aggregate::Recorder& recorder, prometheus::Registry& registry)
    : options_(std::move(options)),
      inventory_(inventory),
      resolver_(resolver),
      batcher_(batcher),
      recorder_(recorder),
      left_out_(registry) {}

ProcessSampler::LeftOut::LeftOut(prometheus::Registry& registry)
    : family(prometheus::BuildCounter()
                 .Name("leadline_agent_processes_left_out_total")
                 .Help("Processes that got no samples in an interval, by reason.")
                 .Register(registry)),
      too_many(family.Add({{"reason", "max_processes"}})),
      unknown_cgroup(family.Add({{"reason", "unknown_cgroup"}})),
      unreadable(family.Add({{"reason", "unreadable"}})) {}

void ProcessSampler::Sample(int64_t ts_ms) {
  now_ms_ = ts_ms;
  // Later than any revision of an earlier run of the agent.
  revision_ = std::max(revision_ + 1, static_cast<uint64_t>(ts_ms));
  owner_by_path_.clear();
  for (const auto& [id, cgroup] : inventory_.live()) {
    if (const Entity* owner = resolver_.Find(cgroup.entity)) {
      owner_by_path_.emplace(cgroup.path, owner);
    }
  }
  const auto unreadable = source::ForEachProcess(
      reader_, [&](const source::ProcessStat& stat, std::string_view cgroup_path) {
        const auto owner = owner_by_path_.find(cgroup_path);
        if (owner == owner_by_path_.end()) {
          // Made since the cgroups were looked at: it is known in the next interval.
          left_out_.unknown_cgroup.Increment();
          return;
        }
        SampleProcess(stat, *owner->second);
      });
  if (unreadable.ok()) {
    left_out_.unreadable.Increment(static_cast<double>(*unreadable));
  } else {
    spdlog::error("reading processes: {}", unreadable.status().ToString());
  }
  CloseEnded();
}

void ProcessSampler::SampleProcess(const source::ProcessStat& stat, const Entity& owner) {
  const Id128 id = ProcessId(options_.boot_id, stat.pid, stat.start_ticks);
  auto it = tracked_.find(id);
  if (it == tracked_.end()) {
    if (tracked_.size() >= options_.max_processes) {
      left_out_.too_many.Increment();
      return;
    }
    it = tracked_.try_emplace(id).first;
    it->second.entity = Entity{
        .id = id,
        .kind = EntityKind::kProcess,
        .start_ms = source::StartUnixMs(stat.start_ticks, options_.boot_unix_ms),
    };
  }
  Tracked& process = it->second;
  Define(process, stat, owner);
  process.seen_ms = now_ms_;
  series_.Record(
      {.entity = process.ref, .counted_from_ms = process.entity.start_ms, .ts_ms = now_ms_}, stat,
      recorder_);
}

void ProcessSampler::Define(Tracked& process, const source::ProcessStat& stat,
                            const Entity& owner) {
  const bool is_new = process.entity.revision == 0;
  const bool executed = !is_new && process.command != stat.command;
  if (!is_new && !executed && process.owner == owner.id &&
      process.owner_revision == owner.revision) {
    return;
  }
  Entity& entity = process.entity;
  entity.labels = owner.labels;
  entity.labels.Set("pid", std::to_string(stat.pid));
  entity.labels.Set("process", stat.command);
  entity.kubernetes_labels = owner.kubernetes_labels;
  entity.valid_from_ms =
      executed ? now_ms_
               : std::max(entity.start_ms, is_new ? entity.start_ms : owner.valid_from_ms);
  entity.revision = revision_;
  process.command = stat.command;
  process.owner = owner.id;
  process.owner_revision = owner.revision;
  process.ref = batcher_.DefineEntity(entity);
}

void ProcessSampler::CloseEnded() {
  absl::erase_if(tracked_, [&](auto& item) {
    Tracked& process = item.second;
    if (process.seen_ms == now_ms_) return false;
    // It ended at some time after the last sample, which is the last that is known of it.
    process.entity.end_ms = std::max(process.seen_ms, process.entity.start_ms) + 1;
    process.entity.revision = revision_;
    batcher_.DefineEntity(process.entity);
    batcher_.Forget(process.ref);
    series_.Forget(process.ref);
    return true;
  });
}

}  // namespace leadline::agent
