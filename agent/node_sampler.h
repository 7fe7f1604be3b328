// Reads everything on the node once an interval and hands it to the batcher as samples.
//
// Entities come from the metadata resolver; their samples are tagged by number only, so labels that
// are learned later reach samples that were sent before. An entity that ended gets its last values
// at its end and is forgotten.
//
// Times are milliseconds since the Unix epoch. Not thread-safe; the agent's main thread owns it.
// Everything passed to the constructor must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

#include "agent/aggregate/container_series.h"
#include "agent/aggregate/network_series.h"
#include "agent/aggregate/recorder.h"
#include "agent/cgroup_inventory.h"
#include "agent/export/batcher.h"
#include "agent/file_metrics.h"
#include "agent/kernel_counters.h"
#include "agent/meta/metadata_resolver.h"
#include "agent/node_figures.h"
#include "agent/pod_networks.h"
#include "agent/probes/probes.h"
#include "agent/process_sampler.h"
#include "agent/source/block_io.h"
#include "agent/source/cgroup_mounts.h"
#include "agent/source/cgroup_stats.h"
#include "agent/source/file_reader.h"
#include "agent/source/open_files.h"
#include "common/id128.h"
#include "common/string_map.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace leadline::agent {

struct NodeSamplerOptions {
  std::string cluster;
  std::string node;
  int64_t counted_from_ms = 0;  // when the kernel began to count
  ProcessSamplerOptions processes;
};

class NodeSampler {
 public:
  NodeSampler(NodeSamplerOptions options, const source::CgroupMounts& mounts,
              probes::Probes& probes, CgroupInventory& inventory, meta::MetadataResolver& resolver,
              Batcher& batcher, prometheus::Registry& registry);

  // Samples of the interval that ends at `ts_ms`.
  void Sample(int64_t ts_ms);

 private:
  struct Tracked {
    EntityRef ref;
    Entity entity;
  };
  void DefineNode();
  void TakeUpdates();
  // What the kernel's tables have counted.
  void SampleKernelCounters();
  void SampleContainers();
  // A pod of a node that runs in a container reports its figures, and that container does not;
  // where the container is in a pod too, only if the pod in it is one that the API knows.
  bool Reports(const Cgroup& container) const;
  void SampleNetworks();
  // Last values of the entities that ended, and the end of their series.
  void CloseEnded();

  const Tracked* Find(const Id128& entity) const;
  // For what the kernel counts: from the later of the entity's and the probes' start, and all of it
  // was read at the interval before.
  aggregate::Subject KernelSubject(const Tracked& tracked, int64_t ts_ms) const;
  // For what the node's files count, since `start_ms`.
  aggregate::Subject FileSubject(const Tracked& tracked, int64_t start_ms) const;

  const NodeSamplerOptions options_;
  const Id128 node_id_;
  CgroupInventory& inventory_;
  meta::MetadataResolver& resolver_;
  Batcher& batcher_;

  aggregate::Recorder recorder_;
  KernelCounters kernel_counters_;
  aggregate::ContainerSeries containers_;
  aggregate::NetworkSeries networks_;
  ProcessSampler processes_;
  source::OpenFiles files_;
  source::CgroupStatsReader cgroup_stats_;
  source::DeviceNames device_names_;
  source::FileReader reader_;
  PodNetworks pod_networks_;
  NodeFigures node_figures_;

  int64_t previous_ms_ = 0;
  int64_t now_ms_ = 0;
  uint64_t skipped_ = 0;  // intervals in a row
  absl::flat_hash_map<Id128, Tracked> tracked_;
  absl::flat_hash_set<Id128> ended_;
  // Of this interval.
  StringMap<std::vector<int32_t>> pids_;                          // by Cgroup::Outer()
  absl::flat_hash_map<Id128, std::vector<int32_t>> pids_of_pod_;  // that have networks
  StringSet hosts_;  // containers that are the node of others that report

  prometheus::Counter& intervals_skipped_;
  FileMetrics file_metrics_;
};

}  // namespace leadline::agent
