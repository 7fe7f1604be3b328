#include "agent/probes/syscall_table.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <tuple>

#include "fmt/format.h"

#include "agent/probes/bpf_losses.h"
#include "agent/probes/bpf_maps.h"
#include "agent/probes/syscall_classes.h"
#include "common/status_macros.h"
#include "syscalls.skel.h"

namespace leadline::agent::probes {
namespace {

constexpr uint32_t kCacheLine = 64;
constexpr uint32_t kSlotsMin = 1U << 10;
// 16 MiB. Threads whose ids differ by a multiple of this and that are in a call at once disturb
// each other: the return of one is counted as unmatched.
constexpr uint32_t kSlotsMax = 1U << 16;
constexpr uint32_t kRowsMax = 1U << 20;
// For the containers of 110 pods: a container takes some 75 calls to start, on two CPUs or three,
// and a busy one makes a dozen on each.
constexpr uint32_t kRowsMin = 1U << 15;
constexpr uint32_t kRowsACpu = 1U << 11;

constexpr size_t kCallsAt = offsetof(syscall_counters, calls) / sizeof(uint64_t);
constexpr size_t kErrorsAt = offsetof(syscall_counters, errors) / sizeof(uint64_t);
constexpr size_t kInterruptedAt = offsetof(syscall_counters, interrupted) / sizeof(uint64_t);
constexpr size_t kUnmatchedAt = offsetof(syscall_counters, unmatched) / sizeof(uint64_t);
constexpr size_t kTimeAt = offsetof(syscall_counters, time_ns) / sizeof(uint64_t);
constexpr size_t kBucketsAt = offsetof(syscall_counters, buckets) / sizeof(uint64_t);

uint32_t RowBytes(int schema) {
  const uint32_t bytes = static_cast<uint32_t>(offsetof(syscall_counters, buckets)) +
                         LatencyBucketCount(schema) * sizeof(uint64_t);
  return (bytes + kCacheLine - 1) / kCacheLine * kCacheLine;
}

uint64_t LoadCounter(uint64_t* counter) {
  return std::atomic_ref<uint64_t>(*counter).load(std::memory_order_acquire);
}

}  // namespace

uint32_t DefaultSyscallRows(uint32_t cpus) { return std::max(kRowsMin, kRowsACpu * cpus); }

absl::StatusOr<SyscallTableSize> FitSyscallTable(uint64_t budget_bytes, uint32_t wanted_rows,
                                                 uint32_t cpus, uint32_t pid_max) {
  SyscallTableSize size;
  size.cpus = cpus;
  size.rows = std::bit_ceil(std::clamp(wanted_rows, 1U, kRowsMax));
  size.slots = std::bit_ceil(std::clamp(pid_max, kSlotsMin, kSlotsMax));
  for (size.schema = kLatencySchemaMax;; --size.schema) {
    size.row_bytes = RowBytes(size.schema);
    if (size.table_bytes() <= budget_bytes) return size;
    if (size.schema == 0) break;
  }
  while (size.rows > 1 && size.table_bytes() > budget_bytes) size.rows /= 2;
  if (size.table_bytes() <= budget_bytes) return size;
  return absl::InvalidArgumentError(
      fmt::format("a budget of {} bytes for the system call table: one row on {} CPUs takes {}",
                  budget_bytes, cpus, size.table_bytes()));
}

absl::Status SyscallTable::Configure(bpf_object* object, const SyscallTableSize& size,
                                     const SyscallTiming& timing) {
  LL_RETURN_IF_ERROR(SetMapEntries(object, "syscall_keys", size.rows + size.cpus));
  LL_RETURN_IF_ERROR(SetMapEntries(object, "syscall_claims", size.rows));
  LL_RETURN_IF_ERROR(SetMapEntries(object, "syscall_counters", size.rows + size.cpus));
  bpf_map* counters = bpf_object__find_map_by_name(object, "syscall_counters");
  if (const int error = bpf_map__set_value_size(counters, size.row_bytes)) {
    return BpfMapError("syscall_counters", "set the size of its values", -error);
  }

  const LatencyLayout layout = MakeLatencyLayout(size.schema);
  return EditReadOnlyData<syscalls_bpf::syscalls_bpf__rodata>(object, [&](auto& rodata) {
    rodata.row_count = size.rows;
    rodata.slot_mask = size.slots - 1;
    for (uint16_t nr = 0; nr < SYSCALL_NR_LIMIT; ++nr) {
      for (const SyscallAbi abi : {SyscallAbi::kNative, SyscallAbi::kCompat}) {
        rodata.class_of_call[static_cast<size_t>(abi) * SYSCALL_NR_LIMIT + nr] =
            static_cast<uint8_t>(ClassOfSyscall(nr, abi));
      }
    }
    rodata.timed_a_tick = timing.timed_a_tick;
    rodata.untimed_log2 = timing.untimed_log2;
    rodata.bucket_count = layout.bucket_count();
    std::copy(layout.bounds_ns.begin(), layout.bounds_ns.end(), std::begin(rodata.bucket_bound_ns));
    std::copy(layout.cells.begin(), layout.cells.end(), std::begin(rodata.bucket_of_cell));
  });
}

absl::Status SyscallTable::CountReturns(const bpf_object* object, bool on) {
  return WriteData(object, ".bss", syscalls_bpf::syscalls_bpf__bss{.counts_returns = on});
}

absl::StatusOr<SyscallTable> SyscallTable::Open(bpf_object* object, const SyscallTableSize& size) {
  const auto fd = [&](const char* name) { return bpf_object__find_map_fd_by_name(object, name); };
  SyscallTable table;
  table.size_ = size;
  table.layout_ = MakeLatencyLayout(size.schema);
  LL_ASSIGN_OR_RETURN(
      table.keys_,
      BpfMapMemory::Map(fd("syscall_keys"), (size_t{size.rows} + size.cpus) * sizeof(syscall_key),
                        "syscall_keys"));
  LL_ASSIGN_OR_RETURN(table.counters_, BpfMapMemory::Map(fd("syscall_counters"), size.table_bytes(),
                                                         "syscall_counters"));
  table.claims_fd_ = fd("syscall_claims");
  table.losses_fd_ = fd("syscall_losses");
  table.cpus_fd_ = fd("syscall_cpus");
  if (table.claims_fd_ < 0 || table.losses_fd_ < 0 || table.cpus_fd_ < 0) {
    return absl::InternalError(
        "BPF object syscalls: no map syscall_claims, syscall_losses or syscall_cpus");
  }
  table.bucket_sums_.resize(table.layout_.bucket_count());
  table.seen_.resize(size_t{size.rows} + size.cpus);
  table.counters_row_.latency_schema = size.schema;
  for (uint32_t cpu = 0; cpu < size.cpus; ++cpu) {
    const uint64_t other = SYSCALL_TAG(SYSCALL_NR_OTHER, SYSCALL_ABI_NATIVE);
    table.KeyOf(size.rows + cpu) = {.cgroup = 0, .tag = SYSCALL_TAG_ON(cpu, other)};
  }
  return table;
}

syscall_key& SyscallTable::KeyOf(uint32_t row) {
  return reinterpret_cast<syscall_key*>(keys_.data())[row];
}

uint64_t* SyscallTable::CountersOf(uint32_t row) {
  return reinterpret_cast<uint64_t*>(counters_.data() + size_t{row} * size_.row_bytes);
}

void SyscallTable::FreeRow(uint32_t row) {
  std::memset(CountersOf(row), 0, size_.row_bytes);
  seen_[row] = {};
  std::atomic_ref(KeyOf(row).tag).store(0, std::memory_order_release);
  bpf_map_delete_elem(claims_fd_, &row);
}

void SyscallTable::CollectRows() {
  refs_.clear();
  for (uint32_t row = 0; row < size_.rows + size_.cpus; ++row) {
    syscall_key& key = KeyOf(row);
    const uint64_t tag = std::atomic_ref(key.tag).load(std::memory_order_acquire);
    if ((tag & SYSCALL_TAG_STATE_MASK) != SYSCALL_TAG_READY) continue;
    const bool last = row < size_.rows && forgotten_.contains(key.cgroup);
    if (last) {
      std::atomic_ref(key.tag).store((tag & ~SYSCALL_TAG_STATE_MASK) | SYSCALL_TAG_ENDED,
                                     std::memory_order_release);
      ended_.push_back(row);
    }
    refs_.push_back({key.cgroup, tag & ~SYSCALL_TAG_CPU_MASK, row, last});
  }
  forgotten_.clear();
  std::sort(refs_.begin(), refs_.end(), [](const RowRef& a, const RowRef& b) {
    return std::tie(a.cgroup, a.tag, a.row) < std::tie(b.cgroup, b.tag, b.row);
  });
}

// Returns are read on all CPUs before entries are, and a CPU's errors before its buckets: so no
// error is seen without its return, and no return without its entry, unless the entry's row was
// made after the rows were collected.
bool SyscallTable::Sum(absl::Span<const RowRef> same_key) {
  SyscallCounters& out = counters_row_;
  out.cgroup_id = same_key[0].cgroup;
  out.nr = static_cast<uint16_t>(same_key[0].tag);
  out.abi = static_cast<SyscallAbi>(static_cast<uint8_t>(same_key[0].tag >> 16));
  out.last = same_key[0].last;
  out.calls = out.errors = out.interrupted = out.unmatched = out.time_ns = out.latency_count = 0;
  std::fill(bucket_sums_.begin(), bucket_sums_.end(), 0);
  const auto for_each_part = [&](auto add) {
    for (const RowRef& ref : same_key) add(CountersOf(ref.row));
  };
  for_each_part([&](uint64_t* counters) {
    out.errors += LoadCounter(counters + kErrorsAt);
    out.interrupted += LoadCounter(counters + kInterruptedAt);
    out.time_ns += LoadCounter(counters + kTimeAt);
    for (size_t bucket = 0; bucket < bucket_sums_.size(); ++bucket) {
      bucket_sums_[bucket] += LoadCounter(counters + kBucketsAt + bucket);
    }
    out.unmatched += LoadCounter(counters + kUnmatchedAt);
  });
  for_each_part([&](uint64_t* counters) { out.calls += LoadCounter(counters + kCallsAt); });

  buckets_.clear();
  for (size_t bucket = 0; bucket < bucket_sums_.size(); ++bucket) {
    if (bucket_sums_[bucket] == 0) continue;
    out.latency_count += bucket_sums_[bucket];
    buckets_.push_back({layout_.first_index + static_cast<int32_t>(bucket), bucket_sums_[bucket]});
  }
  out.latency_buckets = buckets_;
  out.calls = std::max(out.calls, out.latency_count);
  return out.calls != 0 || out.unmatched != 0 || out.latency_count != 0;
}

SyscallTable::Stamp SyscallTable::StampOf(uint32_t row) {
  uint64_t* counters = CountersOf(row);
  return {LoadCounter(counters + kCallsAt), LoadCounter(counters + kUnmatchedAt),
          LoadCounter(counters + kTimeAt)};
}

bool SyscallTable::HasChanged(absl::Span<const RowRef> same_key) {
  bool changed = same_key[0].last;
  seen_now_.clear();
  for (const RowRef& ref : same_key) {
    seen_now_.push_back(StampOf(ref.row));
    changed = changed || seen_now_.back() != seen_[ref.row];
  }
  return changed;
}

void SyscallTable::Read(absl::FunctionRef<bool(const SyscallCounters&)> handler) {
  for (const uint32_t row : ended_) FreeRow(row);
  ended_.clear();
  CollectRows();
  rows_used_ = static_cast<uint32_t>(refs_.size());
  for (size_t begin = 0; begin < refs_.size();) {
    size_t end = begin + 1;
    while (end < refs_.size() && refs_[end].cgroup == refs_[begin].cgroup &&
           refs_[end].tag == refs_[begin].tag) {
      ++end;
    }
    const auto same_key = absl::MakeConstSpan(refs_).subspan(begin, end - begin);
    if (HasChanged(same_key) && Sum(same_key) && handler(counters_row_)) {
      for (size_t i = 0; i < same_key.size(); ++i) seen_[same_key[i].row] = seen_now_[i];
    }
    begin = end;
  }
}

absl::StatusOr<std::vector<uint64_t>> SyscallTable::Losses() const {
  return ReadPerCpuCounters(losses_fd_, SYSCALL_LOSS_COUNT, size_.cpus, "syscall_losses");
}

absl::StatusOr<uint64_t> SyscallTable::Untimed() const {
  std::vector<syscall_cpu> cpus(size_.cpus);
  const uint32_t entry = 0;
  if (bpf_map_lookup_elem(cpus_fd_, &entry, cpus.data()) != 0) {
    return absl::InternalError(fmt::format("BPF map syscall_cpus: {}", std::strerror(errno)));
  }
  return std::accumulate(cpus.begin(), cpus.end(), uint64_t{0},
                         [](uint64_t sum, const syscall_cpu& cpu) { return sum + cpu.untimed; });
}

}  // namespace leadline::agent::probes
