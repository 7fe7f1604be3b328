#include "agent/probes/probe_table.h"

#include <charconv>

#include "fmt/format.h"

namespace leadline::agent::probes {
namespace {

// 5.8: ring buffers. 5.11: bpf_get_current_task_btf().
constexpr ProbeAlternative kSysEnter[] = {
    {"tp_btf/sys_enter", "sys_enter_btf", {5, 11}},
    {"raw_tp/sys_enter", "sys_enter_raw", {5, 8}},
};
constexpr ProbeAlternative kSysExit[] = {
    {"tp_btf/sys_exit", "sys_exit_btf", {5, 11}},
    {"raw_tp/sys_exit", "sys_exit_raw", {5, 8}},
};
constexpr ProbeAlternative kCgroupMkdir[] = {
    {"tp_btf/cgroup_mkdir", "cgroup_mkdir_btf", {5, 8}},
    {"raw_tp/cgroup_mkdir", "cgroup_mkdir_raw", {5, 8}},
};
constexpr ProbeAlternative kCgroupRmdir[] = {
    {"tp_btf/cgroup_rmdir", "cgroup_rmdir_btf", {5, 8}},
    {"raw_tp/cgroup_rmdir", "cgroup_rmdir_raw", {5, 8}},
};
constexpr ProbeAlternative kProcessExec[] = {
    {"tp_btf/sched_process_exec", "process_exec_btf", {5, 8}},
    {"raw_tp/sched_process_exec", "process_exec_raw", {5, 8}},
};
// 6.16: the tracepoint says which thread is the last of its process.
constexpr ProbeAlternative kProcessExit[] = {
    {"tp_btf/sched_process_exit", "process_exit_group_btf", {6, 16}},
    {"tp_btf/sched_process_exit", "process_exit_btf", {5, 8}},
    {"raw_tp/sched_process_exit", "process_exit_raw", {5, 8}},
};
// The tracepoint has the victim's task in place of its id from 6.9 on, and where that was ported
// back: the verifier decides.
constexpr ProbeAlternative kProcessOom[] = {
    {"tp_btf/mark_victim", "process_oom_btf", {5, 8}},
    {"raw_tp/mark_victim", "process_oom_raw", {5, 8}},
};

constexpr ProbeRow kRows[] = {
    // First, so that no entry is counted whose return would not be.
    {"syscall_exit", BpfObject::kSyscalls,
     "container_syscall_errors_total, container_syscalls_interrupted_total, "
     "container_syscalls_unmatched_total, container_syscall_duration_seconds",
     "syscall_enter", kSysExit},
    {"syscall_enter", BpfObject::kSyscalls, "container_syscalls_total", "", kSysEnter},
    {"cgroup_mkdir", BpfObject::kLifecycle, "control groups as they come", "", kCgroupMkdir},
    {"cgroup_rmdir", BpfObject::kLifecycle, "control groups as they go", "", kCgroupRmdir},
    {"process_exec", BpfObject::kProcesses, "container_process_execs_total", "", kProcessExec},
    {"process_exit", BpfObject::kProcesses,
     "container_process_exits_total, container_process_exited_cpu_seconds_total", "", kProcessExit},
    // Where the kernel names victims by id they are looked for when they end.
    {"process_oom", BpfObject::kProcesses, "container_oom_kills_total", "process_exit",
     kProcessOom},
};

}  // namespace

std::string KernelVersion::ToString() const { return fmt::format("{}.{}", major, minor); }

KernelVersion ParseKernelVersion(std::string_view release) {
  KernelVersion version;
  const char* end = release.data() + release.size();
  const auto major = std::from_chars(release.data(), end, version.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return {};
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  if (minor.ec != std::errc()) return {};
  return version;
}

std::string_view BpfObjectName(BpfObject object) {
  switch (object) {
    case BpfObject::kSyscalls:
      return "syscalls";
    case BpfObject::kLifecycle:
      return "lifecycle";
    case BpfObject::kProcesses:
      return "processes";
  }
  return "?";
}

absl::Span<const ProbeRow> ProbeTable() { return kRows; }

}  // namespace leadline::agent::probes
