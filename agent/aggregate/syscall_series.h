// System calls by owner: folds what the kernel counted by cgroup into counters of containers.
//
// The kernel's rows are cumulative by (cgroup, call). A container may have several cgroups (nested
// ones belong to it) that come and go, so each row's growth since it was last seen is added to its
// owner's counters, which only grow. An owner without errors of a call has no error series of it,
// and the like.
//
// Not thread-safe. Allocates only for a call, bucket or owner seen for the first time.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "agent/aggregate/recorder.h"
#include "agent/probes/syscall_table.h"

namespace leadline::agent::aggregate {

class SyscallSeries {
 public:
  // Adds the growth of a row to the counters of `owner`, to which its cgroup belongs; false when it
  // has not grown.
  bool Fold(EntityRef owner, const probes::SyscallCounters& row);

  // Writes the counters of an owner; nothing for one that made no calls.
  void Record(const Subject& subject, Recorder& recorder);

  // The cgroup's rows are gone from the kernel; what they counted stays with the owner.
  void ForgetCgroup(uint64_t cgroup_id) { seen_.erase(cgroup_id); }
  void Forget(EntityRef owner) { owners_.erase(owner); }

  static constexpr size_t kCounts = 4;

 private:
  using CallId = std::pair<uint16_t, probes::SyscallAbi>;
  template <typename Value>
  using ByCall = absl::flat_hash_map<CallId, Value>;

  // What was counted so far: of a row as last seen in the kernel, or of an owner in all.
  struct Totals {
    std::array<uint64_t, kCounts> counts{};
    uint64_t time_ns = 0;
    std::vector<HistogramBucket> buckets;  // ascending by index
  };

  struct Call {
    Totals totals;
    std::array<SeriesSlot, kCounts> counts;
    SeriesSlot duration;
  };

  void RecordDuration(Call& call, const Subject& subject, Recorder& recorder,
                      const LabelSet& labels);

  int32_t schema_ = 0;
  absl::flat_hash_map<uint64_t, ByCall<Totals>> seen_;  // by cgroup
  absl::flat_hash_map<EntityRef, ByCall<Call>> owners_;
};

}  // namespace leadline::agent::aggregate
