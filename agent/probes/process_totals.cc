#include "agent/probes/process_totals.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "agent/probes/bpf_losses.h"
#include "agent/probes/bpf_maps.h"
#include "bpf/shared/syscalls.h"
#include "common/status_macros.h"

namespace leadline::agent::probes {
namespace {

constexpr const char* kSharedMaps[] = {"syscall_slots", "tracked_processes", "process_totals",
                                       "process_totals_losses"};

ProcessIdentity IdentityOf(const process_id& id) {
  return {static_cast<int32_t>(id.pid), id.start_ticks};
}

process_id IdOf(const ProcessIdentity& process) {
  return {.pid = static_cast<__u32>(process.pid), .pad = 0, .start_ticks = process.start_ticks};
}

void AddClass(const syscall_class_totals& from, ProcessTotals::Class& to) {
  to.calls += from.calls;
  to.errors += from.errors;
  to.time_ns += from.time_ns;
}

ProcessTotals TotalsOf(const process_totals& row) {
  ProcessTotals totals;
  for (size_t i = 0; i < totals.classes.size(); ++i) AddClass(row.classes[i], totals.classes[i]);
  totals.run_delay_ns = row.run_delay_ns;
  totals.end_mono_ns = static_cast<int64_t>(row.end_ns);
  totals.cpu_ns = row.cpu_ns;
  totals.user_ns = row.user_ns;
  totals.system_ns = row.system_ns;
  return totals;
}

template <typename Value>
Value Load(Value& shared) {
  return std::atomic_ref<Value>(shared).load(std::memory_order_acquire);
}

// False when the slot is nobody's or changed hands meanwhile.
bool CopySlot(syscall_slot& slot, process_id& process,
              syscall_class_totals (&classes)[SYSCALL_CLASS_COUNT]) {
  const __u32 tid = Load(slot.tid);
  if (tid == 0) return false;
  process = {
      .pid = Load(slot.process.pid), .pad = 0, .start_ticks = Load(slot.process.start_ticks)};
  for (size_t i = 0; i < SYSCALL_CLASS_COUNT; ++i) {
    // In an order in which no error is seen without its call.
    classes[i].errors = Load(slot.classes[i].errors);
    classes[i].time_ns = Load(slot.classes[i].time_ns);
    classes[i].calls = Load(slot.classes[i].calls);
  }
  return Load(slot.tid) == tid;
}

}  // namespace

absl::Status ProcessTotalsTable::Configure(bpf_object* object, uint32_t slots, uint32_t tracked) {
  tracked = std::clamp(tracked, 1U, kTrackedMax);
  LL_RETURN_IF_ERROR(SetMapEntries(object, "syscall_slots", slots));
  LL_RETURN_IF_ERROR(SetMapEntries(object, "tracked_processes", tracked));
  return SetMapEntries(object, "process_totals", tracked + kUntrackedRows);
}

absl::Status ProcessTotalsTable::Share(bpf_object* counting, bpf_object* other) {
  for (const char* name : kSharedMaps) {
    bpf_map* map = bpf_object__find_map_by_name(other, name);
    const int fd = bpf_object__find_map_fd_by_name(counting, name);
    const int error = map == nullptr || fd < 0 ? -ENOENT : bpf_map__reuse_fd(map, fd);
    if (error != 0) return BpfMapError(name, "share it", -error);
  }
  return absl::OkStatus();
}

bool ProcessTotalsTable::IsShared(std::string_view map) {
  return std::find(std::begin(kSharedMaps), std::end(kSharedMaps), map) != std::end(kSharedMaps);
}

absl::StatusOr<ProcessTotalsTable> ProcessTotalsTable::Open(bpf_object* object, uint32_t slots,
                                                            uint32_t cpus) {
  const auto fd = [&](const char* name) { return bpf_object__find_map_fd_by_name(object, name); };
  ProcessTotalsTable table;
  table.slot_count_ = slots;
  table.cpus_ = cpus;
  LL_ASSIGN_OR_RETURN(
      table.slots_,
      BpfMapMemory::Map(fd("syscall_slots"), slots * sizeof(syscall_slot), "syscall_slots"));
  table.tracked_fd_ = fd("tracked_processes");
  table.totals_fd_ = fd("process_totals");
  table.losses_fd_ = fd("process_totals_losses");
  for (const char* name : kSharedMaps) {
    if (fd(name) < 0) return BpfMapError(name, "find it", ENOENT);
  }
  return table;
}

// Rows before slots: see give_up_slot in bpf/lib/thread_slots.bpf.h.
absl::Status ProcessTotalsTable::Read() {
  totals_.clear();
  LL_RETURN_IF_ERROR(ReadBpfHash(totals_fd_, "process_totals", ids_, rows_));
  for (size_t i = 0; i < ids_.size(); ++i) totals_[IdentityOf(ids_[i])] = TotalsOf(rows_[i]);
  AddSlots();
  return absl::OkStatus();
}

void ProcessTotalsTable::AddSlots() {
  auto* slots = reinterpret_cast<syscall_slot*>(slots_.data());
  for (uint32_t i = 0; i < slot_count_; ++i) {
    process_id process = {};
    syscall_class_totals classes[SYSCALL_CLASS_COUNT];
    if (!CopySlot(slots[i], process, classes)) continue;
    ProcessTotals& totals = totals_[IdentityOf(process)];
    for (size_t j = 0; j < SYSCALL_CLASS_COUNT; ++j) AddClass(classes[j], totals.classes[j]);
  }
}

const ProcessTotals* ProcessTotalsTable::Find(const ProcessIdentity& process) const {
  const auto found = totals_.find(process);
  return found == totals_.end() ? nullptr : &found->second;
}

bool ProcessTotalsTable::Track(const ProcessIdentity& process) {
  const process_id id = IdOf(process);
  const __u8 yes = 1;
  if (bpf_map_update_elem(tracked_fd_, &id, &yes, BPF_ANY) != 0) return false;
  tracked_.insert(process);
  return true;
}

std::optional<ProcessTotals> ProcessTotalsTable::TakeEnded(const ProcessIdentity& process) {
  const process_id id = IdOf(process);
  process_totals row = {};
  const bool found = bpf_map_lookup_elem(totals_fd_, &id, &row) == 0;
  bpf_map_delete_elem(totals_fd_, &id);
  bpf_map_delete_elem(tracked_fd_, &id);
  tracked_.erase(process);
  if (!found || row.end_ns == 0) return std::nullopt;
  return TotalsOf(row);
}

void ProcessTotalsTable::DropUnless(absl::FunctionRef<bool(const ProcessIdentity&)> lives) {
  for (const process_id& id : ids_) {
    const ProcessIdentity process = IdentityOf(id);
    if (!tracked_.contains(process) && !lives(process)) bpf_map_delete_elem(totals_fd_, &id);
  }
}

absl::StatusOr<std::vector<uint64_t>> ProcessTotalsTable::Losses() const {
  return ReadPerCpuCounters(losses_fd_, PROCESS_TOTALS_LOSS_COUNT, cpus_, "process_totals_losses");
}

}  // namespace leadline::agent::probes
