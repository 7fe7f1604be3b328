// From what the kernel, the node's files and the Kubernetes API say to sealed batches: all of the
// agent but its delivery.
//
//   auto pipeline = Pipeline::Start(options, inputs, *registry);
//   pipeline->Run(stop_fd, delivery);
//
// Everything it learns goes through the tape of the calling thread (agent/record/tape.h), so it
// runs the same on the node and from a recording. Threading: one thread, also for Run. Ownership:
// the registry and what Inputs point to must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/cgroup_inventory.h"
#include "agent/clock_watch.h"
#include "agent/export/batcher.h"
#include "agent/export/sealed_batch.h"
#include "agent/memory_metrics.h"
#include "agent/meta/meta_event.h"
#include "agent/meta/metadata_resolver.h"
#include "agent/model/cgroup_hierarchy.h"
#include "agent/model/container_names.h"
#include "agent/model/peer_question.h"
#include "agent/node_sampler.h"
#include "agent/probes/probe_metrics.h"
#include "agent/probes/probes.h"
#include "agent/record/taped_clock.h"
#include "common/clock.h"
#include "prometheus/registry.h"

namespace leadline::agent {

// What of the options makes a difference to the samples; a recording has it.
struct PipelineOptions {
  std::string cluster;
  std::string node;
  int64_t interval_ms = 0;
  uint32_t max_processes = 0;
  CgroupChoice cgroups = CgroupChoice::kAuto;
};
template <typename Archive>
void Fields(Archive& archive, PipelineOptions& options) {
  archive("cluster", options.cluster, "node", options.node, "interval_ms", options.interval_ms,
          "max_processes", options.max_processes, "cgroups", options.cgroups);
}

// Where the batches go.
class Delivery {
 public:
  virtual ~Delivery() = default;
  virtual void Submit(std::vector<SealedBatch> batches) = 0;
  // See Batcher::Acknowledged.
  virtual uint64_t acknowledged_sequence() const = 0;
};

class Pipeline {
 public:
  struct Inputs {
    // Of the kernel; nothing to load in a replay.
    std::function<absl::StatusOr<std::unique_ptr<probes::Probes>>(const CgroupHierarchy&)>
        load_probes;
    // By its runtime; see RuntimeNames::Find. May be null.
    std::function<std::optional<ContainerNames>(const std::string& id)> name_container;
    // At most so many events of the Kubernetes API and answers of the collector; does not wait. May
    // be null.
    std::function<std::vector<meta::MetaEvent>(size_t)> take_meta_events;
    // Asks the collector who peers are; does not wait. May be null.
    std::function<void(const PeerQuestions&)> ask_peers;
  };

  // Errors name what cannot work: probes, and cgroups that were asked for.
  static absl::StatusOr<std::unique_ptr<Pipeline>> Start(const PipelineOptions& options,
                                                         Inputs inputs,
                                                         prometheus::Registry& registry);

  // Why containers cannot be told apart, where that is so.
  const absl::Status& cgroups_found() const { return cgroups_found_; }
  const probes::ProbeReport& probe_report() const { return probes_->report(); }
  // What of it may be called from any thread.
  probes::Probes& probes() { return *probes_; }

  // Samples every interval until `stop_fd` is readable, then once more.
  void Run(int stop_fd, Delivery& delivery);

 private:
  explicit Pipeline(Inputs inputs) : inputs_(std::move(inputs)) {}
  absl::Status Init(const PipelineOptions& options, prometheus::Registry& registry);
  // At a whole multiple of the interval, so that all agents' samples line up.
  int64_t NextReadingMs() const;
  // Waits for events of the kernel until `until_ms` or until stop_fd is readable. A clock that is
  // set back brings `until_ms` forward: a wait never takes two intervals.
  enum class Next : uint8_t { kInterval, kStop, kRecordingEnds };
  Next WaitUntil(int64_t& until_ms, int stop_fd);
  void TakeLifecycleEvents();
  // Asks the runtimes for the names of new containers.
  void NameContainers();
  void TakeMetaEvents();
  void AskPeers();
  void Interval(int64_t ts_ms, Delivery& delivery);
  void EndTurn();

  Inputs inputs_;
  record::TapedClock clock_{SystemClock()};
  std::optional<ClockWatch> clock_watch_;
  int64_t interval_ms_ = 0;
  absl::Status cgroups_found_;
  std::unique_ptr<probes::Probes> probes_;
  std::optional<probes::ProbeMetrics> probe_metrics_;
  std::optional<MemoryMetrics> memory_metrics_;
  std::unique_ptr<meta::MetadataResolver> resolver_;
  std::unique_ptr<CgroupInventory> inventory_;
  std::unique_ptr<Batcher> batcher_;
  std::unique_ptr<NodeSampler> sampler_;
};

}  // namespace leadline::agent
