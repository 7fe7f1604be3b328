// What each process has done by class of system call, and what it had used when it ended.
//
// The kernel counts by thread, in place; a thread that ends adds what it counted to its process.
// Counters are cumulative since the probes' start and exact, but for threads whose ids are the same
// in their lower bits (all that the number of slots has) and that are in a call at once: of those
// one may count for the other. Bounds: a slot of 256 bytes for each thread id up to 65,536, rows
// for `tracked` processes and kUntrackedRows others that have had threads end.
//
// One thread; Losses may be called from any.
#pragma once

#include <bpf/libbpf.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/probes/bpf_map_memory.h"
#include "bpf/shared/process_totals.h"

namespace leadline::agent::probes {

struct ProcessIdentity {
  int32_t pid = 0;
  uint64_t start_ticks = 0;  // as in /proc/PID/stat

  bool operator==(const ProcessIdentity&) const = default;
  template <typename H>
  friend H AbslHashValue(H hash, const ProcessIdentity& id) {
    return H::combine(std::move(hash), id.pid, id.start_ticks);
  }
};

struct ProcessTotals {
  struct Class {
    uint64_t calls = 0;
    uint64_t errors = 0;
    uint64_t time_ns = 0;
  };
  std::array<Class, SYSCALL_CLASS_COUNT> classes{};
  uint64_t run_delay_ns = 0;  // of threads that have ended
  // Of a process that has ended; see group_cpu_time in bpf/programs/processes.bpf.c.
  int64_t end_mono_ns = 0;  // 0: it lives
  uint64_t cpu_ns = 0;
  uint64_t user_ns = 0;  // by the timer's ticks, as system_ns: they do not add up to cpu_ns
  uint64_t system_ns = 0;
};

// What ProcessSampler needs of the kernel.
class ProcessTotalsSource {
 public:
  virtual ~ProcessTotalsSource() = default;

  // Takes a new reading, which Find looks at.
  virtual absl::Status Read() = 0;
  // nullptr for a process that has made no call. Valid until the next Read.
  virtual const ProcessTotals* Find(const ProcessIdentity& process) const = 0;

  // From now on its end will be known. False when too many are tracked.
  virtual bool Track(const ProcessIdentity& process) = 0;
  // The last of a process that has ended, once, and an end of tracking it. nullopt when the kernel
  // has not seen it end.
  virtual std::optional<ProcessTotals> TakeEnded(const ProcessIdentity& process) = 0;
  // Of the last reading: gives up what is known of a process that is not tracked and has ended.
  virtual void DropUnless(absl::FunctionRef<bool(const ProcessIdentity&)> lives) = 0;
};

class ProcessTotalsTable final : public ProcessTotalsSource {
 public:
  static constexpr uint32_t kTrackedMax = 65'536;
  static constexpr uint32_t kUntrackedRows = 4'096;

  // Sets the sizes of the maps in one of the two objects that have them, before it is loaded.
  static absl::Status Configure(bpf_object* object, uint32_t slots, uint32_t tracked);
  // Makes the maps of `counting`, which is loaded, those of the other, which is not yet.
  static absl::Status Share(bpf_object* counting, bpf_object* other);
  // Whether a map is one of those.
  static bool IsShared(std::string_view map);

  // The loaded object, which has to outlive this.
  static absl::StatusOr<ProcessTotalsTable> Open(bpf_object* object, uint32_t slots, uint32_t cpus);

  absl::Status Read() override;
  const ProcessTotals* Find(const ProcessIdentity& process) const override;
  bool Track(const ProcessIdentity& process) override;
  std::optional<ProcessTotals> TakeEnded(const ProcessIdentity& process) override;
  void DropUnless(absl::FunctionRef<bool(const ProcessIdentity&)> lives) override;

  // By process_totals_loss, since the start.
  absl::StatusOr<std::vector<uint64_t>> Losses() const;

 private:
  ProcessTotalsTable() = default;
  void AddSlots();

  BpfMapMemory slots_;
  uint32_t slot_count_ = 0;
  uint32_t cpus_ = 0;
  int tracked_fd_ = -1;
  int totals_fd_ = -1;
  int losses_fd_ = -1;
  std::vector<process_id> ids_;  // of the last reading's rows
  std::vector<process_totals> rows_;
  absl::flat_hash_map<ProcessIdentity, ProcessTotals> totals_;
  absl::flat_hash_set<ProcessIdentity> tracked_;
};

}  // namespace leadline::agent::probes
