#include "agent/process_sampler.h"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "agent/cgroups.h"
#include "agent/model/entity_id.h"

namespace leadline::agent {

ProcessSampler::ProcessSampler(ProcessSamplerOptions options, const CgroupInventory& inventory,
                               const meta::MetadataResolver& resolver,
                               probes::ProcessTotalsSource* totals, Batcher& batcher,
                               aggregate::Recorder& recorder, prometheus::Registry& registry)
    : options_(std::move(options)),
      inventory_(inventory),
      resolver_(resolver),
      totals_(totals),
      batcher_(batcher),
      recorder_(recorder),
      left_out_(registry),
      ends_missed_(prometheus::BuildCounter()
                       .Name("leadline_agent_process_ends_missed_total")
                       .Help("Processes whose end the kernel did not report: their last values are "
                             "those of the interval before.")
                       .Register(registry)
                       .Add({})),
      outside_v2_(prometheus::BuildGauge()
                      .Name("leadline_agent_processes_outside_v2")
                      .Help("Processes of containers that are no members of the v2 hierarchy, by "
                            "which is counted: what they do is in no container's counters.")
                      .Register(registry)
                      .Add({})) {}

ProcessSampler::LeftOut::LeftOut(prometheus::Registry& registry)
    : family(prometheus::BuildCounter()
                 .Name("leadline_agent_processes_left_out_total")
                 .Help("Processes that got no samples in an interval, by reason.")
                 .Register(registry)),
      too_many(family.Add({{"reason", "max_processes"}})),
      unknown_cgroup(family.Add({{"reason", "unknown_cgroup"}})),
      unreadable(family.Add({{"reason", "unreadable"}})) {}

void ProcessSampler::Sample(int64_t ts_ms, const Entity& node) {
  now_ms_ = ts_ms;
  // Later than any revision of an earlier run of the agent.
  revision_ = std::max(revision_ + 1, static_cast<uint64_t>(ts_ms));
  owner_by_path_.clear();
  for (const auto& [id, cgroup] : inventory_.live()) {
    if (const Entity* owner = resolver_.Find(cgroup.entity)) {
      owner_by_path_.emplace(cgroup.path, owner);
    }
  }
  ReadTotals();
  living_.clear();
  size_t outside_v2 = 0;
  const auto unreadable = source::ForEachProcess(
      reader_, [&](const source::ProcessStat& stat, std::string_view cgroups) {
        living_.insert({stat.pid, stat.start_ticks});
        if (options_.other_v1 != 0 && IsInContainerByV1Only(cgroups, options_.other_v1)) {
          ++outside_v2;
        }
        const Entity* owner = OwnerOf(stat, cgroups);
        if (owner == nullptr && !inventory_.has_tree()) owner = &node;
        if (owner != nullptr) {
          SampleProcess(stat, *owner);
        } else {
          left_out_.unknown_cgroup.Increment();
        }
      });
  NoteOtherHierarchy(outside_v2);
  if (unreadable.ok()) {
    if (totals_ != nullptr) {
      totals_->DropUnless([&](const auto& process) { return living_.contains(process); });
    }
    left_out_.unreadable.Increment(static_cast<double>(*unreadable));
  } else {
    spdlog::error("reading processes: {}", unreadable.status().ToString());
  }
  CloseEnded();
}

// Before the processes are listed: what is in the reading and not in the list has ended.
void ProcessSampler::ReadTotals() {
  if (totals_ == nullptr) return;
  const absl::Status read = totals_->Read();
  if (!read.ok()) spdlog::error("reading the processes' totals: {}", read.ToString());
}

void ProcessSampler::NoteOtherHierarchy(size_t processes) {
  if (processes != 0 && outside_v2_.Value() == 0) {
    spdlog::warn(
        "{} processes of containers have no v2 cgroup of their own and count as the host's: start "
        "the agent anew, or with --cgroups v1",
        processes);
  }
  outside_v2_.Set(static_cast<double>(processes));
}

const Entity* ProcessSampler::OwnerOf(const source::ProcessStat& stat, std::string_view cgroups) {
  constexpr uint32_t kV2 = 0;
  if (stat.zombie && options_.hierarchy != kV2) {  // its path is lost, its owner may be known
    const auto known = tracked_.find(ProcessId(options_.boot_id, stat.pid, stat.start_ticks));
    return known == tracked_.end() ? nullptr : resolver_.Find(known->second.owner);
  }
  const auto path = source::FindCgroupPath(cgroups, options_.hierarchy);
  if (!path) return nullptr;
  // Not there when the cgroup was made since we looked: it is known in the next interval.
  const auto owner = owner_by_path_.find(options_.name_space.Resolve(*path, path_));
  return owner == owner_by_path_.end() ? nullptr : owner->second;
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
    it->second.identity = {stat.pid, stat.start_ticks};
    if (totals_ != nullptr) totals_->Track(it->second.identity);
    it->second.entity = Entity{
        .id = id,
        .kind = EntityKind::kProcess,
        .start_ms = source::StartUnixMs(stat.start_ticks, options_.boot_unix_ms),
    };
  }
  Tracked& process = it->second;
  Define(process, stat, owner);
  process.seen_ms = now_ms_;
  aggregate::ProcessFigures figures{.stat = &stat};
  if (const auto delay_ns = source::ReadRunDelayNs(stat, run_delay_reader_); delay_ns.ok()) {
    figures.threads_run_delay_ns = *delay_ns;
  } else if (!absl::IsNotFound(delay_ns.status())) {
    spdlog::debug("run-queue delay of process {}: {}", stat.pid, delay_ns.status().ToString());
  }
  if (totals_ != nullptr) figures.totals = totals_->Find(process.identity);
  RecordFigures(process, now_ms_, figures);
}

void ProcessSampler::RecordFigures(const Tracked& process, int64_t ts_ms,
                                   const aggregate::ProcessFigures& figures) {
  const aggregate::Subject subject{
      .entity = process.ref, .counted_from_ms = process.entity.start_ms, .ts_ms = ts_ms};
  aggregate::Subject counted = subject;
  counted.counted_from_ms = std::max(process.entity.start_ms, options_.counted_from_ms);
  series_.Record(subject, counted, figures, recorder_);
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
  // Once for all, so that the order in which they are closed makes no difference.
  const int64_t mono_ns = options_.clock->NowMonoNs();
  const int64_t unix_ms = options_.clock->NowUnixMs();
  absl::erase_if(tracked_, [&](auto& item) {
    Tracked& process = item.second;
    if (process.seen_ms == now_ms_) return false;
    Close(process, mono_ns, unix_ms);
    return true;
  });
}

void ProcessSampler::Close(Tracked& process, int64_t mono_ns, int64_t unix_ms) {
  const auto last = totals_ == nullptr ? std::nullopt : totals_->TakeEnded(process.identity);
  // Without the kernel's word it ended at some time after the last sample.
  int64_t end_ms = process.seen_ms + 1;
  if (last) {
    end_ms = std::min(unix_ms - (mono_ns - last->end_mono_ns) / 1'000'000, now_ms_);
  } else if (totals_ != nullptr) {
    ends_missed_.Increment();
  }
  process.entity.end_ms = std::max(end_ms, process.entity.start_ms + 1);
  process.entity.revision = revision_;
  batcher_.DefineEntity(process.entity);
  if (last) RecordFigures(process, batcher_.EndFrameMs(process.ref), {.totals = &*last});
  batcher_.Forget(process.ref);
  series_.Forget(process.ref);
}

}  // namespace leadline::agent
