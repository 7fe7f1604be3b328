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

constexpr ProbeRow kRows[] = {
    // First, so that no entry is counted whose return would not be.
    {"syscall_exit", BpfObject::kSyscalls,
     "container_syscall_errors_total, container_syscalls_interrupted_total, "
     "container_syscalls_unmatched_total, container_syscall_duration_seconds",
     "syscall_enter", kSysExit},
    {"syscall_enter", BpfObject::kSyscalls, "container_syscalls_total", "", kSysEnter},
    {"cgroup_mkdir", BpfObject::kLifecycle, "control groups as they come", "", kCgroupMkdir},
    {"cgroup_rmdir", BpfObject::kLifecycle, "control groups as they go", "", kCgroupRmdir},
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
  }
  return "?";
}

absl::Span<const ProbeRow> ProbeTable() { return kRows; }

}  // namespace leadline::agent::probes
