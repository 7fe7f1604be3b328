// System call counters by cgroup, number and ABI, read in place from the kernel's tables.
//
// Counters are cumulative since the agent's start, summed over CPUs. The kernel has a row for each
// CPU on which a call was made, out of one table for all. Memory: (rows + CPUs) * row bytes, within
// the budget; the latency histogram has the finest schema that fits.
//
// Reading is concurrent with counting: `calls` may exceed `latency_count` by the calls that are
// under way, never the reverse; `errors` and `interrupted` are among latency_count; time_ns may
// lack or exceed it by calls that returned during the read. No counter ever falls.
//
// Read, Forget and rows_used belong to one thread; Losses and Untimed may be called from any.
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "agent/model/histogram_bucket.h"
#include "agent/probes/bpf_map_memory.h"
#include "agent/probes/latency_layout.h"
#include "agent/probes/syscall_names.h"

namespace leadline::agent::probes {

struct SyscallTableSize {
  uint32_t rows = 0;  // a power of two
  uint32_t slots = 0;
  int schema = 0;
  uint32_t row_bytes = 0;
  uint32_t cpus = 0;

  uint64_t table_bytes() const { return (uint64_t{rows} + cpus) * row_bytes; }
};

// Rows that the containers of 110 pods need.
uint32_t DefaultSyscallRows(uint32_t cpus);

// `wanted_rows` (rounded up to a power of two) with the finest schema that the budget allows; with
// schema 0, fewer rows if need be. `pid_max` decides on the slots for threads.
// INVALID_ARGUMENT when not even one row fits.
absl::StatusOr<SyscallTableSize> FitSyscallTable(uint64_t budget_bytes, uint32_t wanted_rows,
                                                 uint32_t cpus, uint32_t pid_max);

// Which calls are timed, see bpf/lib/syscall_timing.bpf.h: on each CPU the first `timed_a_tick` of
// every tick of the kernel's timer (1 to 10 ms), and of the others one in 2^untimed_log2.
struct SyscallTiming {
  uint32_t timed_a_tick = 64;
  uint32_t untimed_log2 = 4;  // 1 to 31
};
inline constexpr SyscallTiming kTimeEverySyscall = {.timed_a_tick = UINT32_MAX};

using agent::HistogramBucket;

struct SyscallCounters {
  uint64_t cgroup_id = 0;  // 0 in the machine's ~other row
  uint16_t nr = 0;         // or SYSCALL_NR_UNKNOWN, SYSCALL_NR_OTHER
  SyscallAbi abi = SyscallAbi::kNative;
  bool last = false;  // the row is given up after this: see Forget
  uint64_t calls = 0;
  uint64_t errors = 0;
  uint64_t interrupted = 0;  // a signal came, the kernel may restart the call (and count it again)
  uint64_t unmatched = 0;    // returns without a known entry; in no other counter
  uint64_t time_ns = 0;
  uint64_t latency_count = 0;  // calls that returned: the sum of the buckets
  int latency_schema = 0;
  absl::Span<const HistogramBucket> latency_buckets;  // ascending, none empty
};

class SyscallTable {
 public:
  // Sets the sizes of an object that is not yet loaded.
  static absl::Status Configure(bpf_object* object, const SyscallTableSize& size,
                                const SyscallTiming& timing);

  // Maps the tables of the loaded object, which has to outlive this.
  static absl::StatusOr<SyscallTable> Open(bpf_object* object, const SyscallTableSize& size);

  // Of the loaded object: calls count when they return, without a latency, where the program on
  // sys_enter is not attached. Those that do not return are not counted then, nor those that enter
  // before it is attached again and return after this is off.
  static absl::Status CountReturns(const bpf_object* object, bool on);

  // Every row that has counted something since `handler` last took it, which it says by true; rows
  // of one cgroup together. The row is reused: it and its buckets are valid during the call only.
  void Read(absl::FunctionRef<bool(const SyscallCounters&)> handler);

  // The cgroup has ended: the next Read hands its rows out a last time, the one after it frees
  // them.
  void Forget(uint64_t cgroup_id) { forgotten_.insert(cgroup_id); }

  // Calls by syscall_loss, since the start.
  absl::StatusOr<std::vector<uint64_t>> Losses() const;

  // Calls that counted with the latency of another one of their row, since the start.
  absl::StatusOr<uint64_t> Untimed() const;

  const SyscallTableSize& size() const { return size_; }
  // Rows in use, as of the last Read.
  uint32_t rows_used() const { return rows_used_; }

 private:
  struct RowRef {
    uint64_t cgroup;
    uint64_t tag;
    uint32_t row;
    bool last;
  };

  // Every call and every return changes it.
  struct Stamp {
    uint64_t calls = 0;
    uint64_t unmatched = 0;
    uint64_t time_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  SyscallTable() = default;
  Stamp StampOf(uint32_t row);
  bool HasChanged(absl::Span<const RowRef> same_key);
  syscall_key& KeyOf(uint32_t row);
  uint64_t* CountersOf(uint32_t row);
  void FreeRow(uint32_t row);
  void CollectRows();
  bool Sum(absl::Span<const RowRef> same_key);

  SyscallTableSize size_;
  LatencyLayout layout_;
  BpfMapMemory keys_;
  BpfMapMemory counters_;
  int claims_fd_ = -1;
  int losses_fd_ = -1;
  int cpus_fd_ = -1;
  uint32_t rows_used_ = 0;
  absl::flat_hash_set<uint64_t> forgotten_;
  std::vector<uint32_t> ended_;
  std::vector<RowRef> refs_;
  std::vector<Stamp> seen_;      // by row, as of when it was taken
  std::vector<Stamp> seen_now_;  // of the key under way
  std::vector<uint64_t> bucket_sums_;
  std::vector<HistogramBucket> buckets_;
  SyscallCounters counters_row_;
};

}  // namespace leadline::agent::probes
