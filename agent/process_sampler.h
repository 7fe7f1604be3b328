// Samples the node's processes, each an entity with the labels of the container that it runs in.
//
// Labels that the container learns later reach the process in the next interval and count from its
// start. Kernel threads are left out; every other process that gets no samples in an interval is
// counted by reason in leadline_agent_processes_left_out_total. Those of containers that are not in
// the v2 hierarchy, by which is counted, are in leadline_agent_processes_outside_v2. One that has
// ended gets its last values from the kernel, which has them as of its end; where the kernel has
// not, leadline_agent_process_ends_missed_total says so, and its values are those of the interval
// before. An interval costs two files of each process and one of each thread. Times are
// milliseconds since the Unix epoch. Not thread-safe. What is passed to the constructor must
// outlive it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

#include "agent/aggregate/process_series.h"
#include "agent/aggregate/recorder.h"
#include "agent/cgroup_inventory.h"
#include "agent/export/batcher.h"
#include "agent/meta/metadata_resolver.h"
#include "agent/model/entity.h"
#include "agent/probes/process_totals.h"
#include "agent/source/cgroup_membership.h"
#include "agent/source/file_reader.h"
#include "agent/source/processes.h"
#include "common/clock.h"
#include "common/string_map.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace leadline::agent {

struct ProcessSamplerOptions {
  std::string boot_id;
  int64_t boot_unix_ms = 0;
  int64_t counted_from_ms = 0;  // when the kernel began to count
  uint32_t max_processes = 4096;
  uint32_t hierarchy = 0;              // of the inventory's cgroups
  source::CgroupNamespace name_space;  // the agent's own
  // Where v2 is counted by, the v1 hierarchy that a runtime may use in its place; 0 for none.
  uint32_t other_v1 = 0;
  const Clock* clock = &SystemClock();
};

class ProcessSampler {
 public:
  // `totals` may be null.
  ProcessSampler(ProcessSamplerOptions options, const CgroupInventory& inventory,
                 const meta::MetadataResolver& resolver, probes::ProcessTotalsSource* totals,
                 Batcher& batcher, aggregate::Recorder& recorder, prometheus::Registry& registry);

  // Where no cgroup tree is mounted processes belong to the node.
  void Sample(int64_t ts_ms, const Entity& node);

 private:
  struct Tracked {
    EntityRef ref{};
    Entity entity;
    probes::ProcessIdentity identity;
    std::string command;
    Id128 owner;
    uint64_t owner_revision = 0;
    int64_t seen_ms = 0;
  };

  struct LeftOut {
    explicit LeftOut(prometheus::Registry& registry);

    prometheus::Family<prometheus::Counter>& family;
    prometheus::Counter& too_many;
    prometheus::Counter& unknown_cgroup;
    prometheus::Counter& unreadable;
  };

  void ReadTotals();
  // What the process' samples are labelled with; nullptr where that is not known. `cgroups` is the
  // text of its cgroup file.
  const Entity* OwnerOf(const source::ProcessStat& stat, std::string_view cgroups);
  // Says so where containers are not in the hierarchy that is counted by.
  void NoteOtherHierarchy(size_t processes);
  void SampleProcess(const source::ProcessStat& stat, const Entity& owner);
  void RecordFigures(const Tracked& process, int64_t ts_ms,
                     const aggregate::ProcessFigures& figures);
  // Defines the process when it is new, has another command or its owner has other labels.
  void Define(Tracked& process, const source::ProcessStat& stat, const Entity& owner);
  void CloseEnded();
  // `mono_ns`, `unix_ms`: one moment by both clocks.
  void Close(Tracked& process, int64_t mono_ns, int64_t unix_ms);

  const ProcessSamplerOptions options_;
  const CgroupInventory& inventory_;
  const meta::MetadataResolver& resolver_;
  probes::ProcessTotalsSource* const totals_;
  Batcher& batcher_;
  aggregate::Recorder& recorder_;
  aggregate::ProcessSeries series_;
  source::FileReader reader_;
  source::FileReader run_delay_reader_;  // while the other holds a process's cgroup
  LeftOut left_out_;
  prometheus::Counter& ends_missed_;
  prometheus::Gauge& outside_v2_;

  int64_t now_ms_ = 0;
  uint64_t revision_ = 0;
  absl::flat_hash_map<Id128, Tracked> tracked_;
  absl::flat_hash_set<probes::ProcessIdentity> living_;  // of the current interval
  StringMap<const Entity*> owner_by_path_;               // of the current interval
  std::string path_;                                     // of the process that is looked at
};

}  // namespace leadline::agent
