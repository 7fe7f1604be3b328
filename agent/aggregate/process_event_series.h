// Execs, exits and OOM kills by owner: folds what the kernel counted by cgroup into counters of
// containers.
//
// Like SyscallSeries: the kernel's rows are cumulative by cgroup, an owner may have several that
// come and go, so growth is added. An owner has at most kSeriesMax series of a metric beside its
// `~other`, in which further commands count, without code and signal.
//
// Not thread-safe. Allocates only for a command, status or owner seen for the first time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <tuple>

#include "absl/container/flat_hash_map.h"

#include "agent/aggregate/recorder.h"
#include "agent/probes/process_table.h"

namespace leadline::agent::aggregate {

class ProcessEventSeries {
 public:
  static constexpr size_t kSeriesMax = 256;

  // Adds the growth of a row to the counters of `owner`, to which its cgroup belongs; false when it
  // has not grown.
  bool Fold(EntityRef owner, const probes::ProcessCounters& row);

  // Writes the counters of an owner; nothing for one without events.
  void Record(const Subject& subject, Recorder& recorder);

  // The cgroup's rows are gone from the kernel; what they counted stays with the owner.
  void ForgetCgroup(uint64_t cgroup_id) { seen_.erase(cgroup_id); }
  void Forget(EntityRef owner) { owners_.erase(owner); }

 private:
  // Command, event, exit status.
  using Key = std::tuple<std::string, probes::ProcessCounters::Event, uint32_t>;

  struct Seen {
    uint64_t count = 0;
    uint64_t cpu_ns = 0;
  };
  struct Counter {
    uint64_t value = 0;
    SeriesSlot slot;
  };
  struct Owner {
    absl::flat_hash_map<Key, Counter> events;
    std::array<size_t, PROCESS_EVENT_END> series{};    // by event
    absl::flat_hash_map<std::string, Counter> cpu_ns;  // by command
  };

  static Counter& EventOf(Owner& owner, const Key& key);
  static Counter& CpuOf(Owner& owner, const std::string& command);

  absl::flat_hash_map<uint64_t, absl::flat_hash_map<Key, Seen>> seen_;  // by cgroup
  absl::flat_hash_map<EntityRef, Owner> owners_;
};

// The labels of an exit: `code`, or `signal` without SIG ("KILL"; a number where it has no name).
LabelSet ExitLabels(const std::string& command, uint32_t status);

}  // namespace leadline::agent::aggregate
