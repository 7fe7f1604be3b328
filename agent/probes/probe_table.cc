#include "agent/probes/probe_table.h"

#include <charconv>

#include "fmt/format.h"

namespace leadline::agent::probes {
namespace {

// 5.8: ring buffers. 5.11: bpf_get_current_task_btf(). On arm64 rows are published by an atomic
// exchange, which its JIT has from 5.18 on: earlier kernels refuse the programs of syscall_enter.
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
    {"tp_btf/sched_process_exit", "process_exit_group_btf", {6, 16}, nullptr, "task, group_dead"},
    {"tp_btf/sched_process_exit", "process_exit_btf", {5, 8}, nullptr, "task"},
    {"raw_tp/sched_process_exit", "process_exit_raw", {5, 8}, nullptr, "task"},
};
// The tracepoint has the victim's task in place of its id from 6.9 on, and where that was ported
// back: the verifier decides.
constexpr ProbeAlternative kProcessOom[] = {
    {"tp_btf/mark_victim", "process_oom_btf", {5, 8}, nullptr, "task"},
    {"raw_tp/mark_victim", "process_oom_raw", {5, 8}, nullptr, "task or thread id"},
};

constexpr ProbeAlternative kTcpState[] = {
    {"tp_btf/inet_sock_set_state", "tcp_state_btf", {5, 8}},
    {"raw_tp/inet_sock_set_state", "tcp_state_raw", {5, 8}},
};
// 5.9: iterators over maps, which some kernels allow to nobody. 5.10: programs of raw tracepoints
// can be run. 5.11: bpf_sock_from_file() for iterators.
constexpr ProbeAlternative kTcpWalk[] = {
    {"iter/bpf_map_elem", "tcp_walk_iterator", {5, 9}, "tcp_connections"},
    {kRunHook, "tcp_walk_run", {5, 10}},
};
constexpr ProbeAlternative kTcpAdopt[] = {
    {"iter/task_file", "tcp_adopt", {5, 11}},
};
constexpr ProbeAlternative kUdpSend[] = {
    {"tp_btf/sock_send_length", "udp_send_btf", {6, 3}},
    {"raw_tp/sock_send_length", "udp_send_raw", {6, 3}},
};
constexpr ProbeAlternative kUdpReceive[] = {
    {"tp_btf/sock_recv_length", "udp_receive_btf", {6, 3}},
    {"raw_tp/sock_recv_length", "udp_receive_raw", {6, 3}},
};

constexpr ProbeAlternative kRequestsSend[] = {
    {"tp_btf/sock_send_length", "requests_send_btf", {6, 3}},
    {"raw_tp/sock_send_length", "requests_send_raw", {6, 3}},
};
constexpr ProbeAlternative kRequestsReceive[] = {
    {"tp_btf/sock_recv_length", "requests_receive_btf", {6, 3}},
    {"raw_tp/sock_recv_length", "requests_receive_raw", {6, 3}},
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
    {"tcp_state", BpfObject::kTcp, "container_tcp_*", "", kTcpState},
    {"tcp_walk", BpfObject::kTcp,
     "container_tcp_connections, and what connections count before they end", "tcp_state",
     kTcpWalk},
    {"tcp_adopt", BpfObject::kTcp, "TCP connections that are older than the agent", "tcp_state",
     kTcpAdopt},
    {"udp_send", BpfObject::kUdp,
     "container_udp_sent_bytes_total, container_udp_sent_datagrams_total", "", kUdpSend},
    {"udp_receive", BpfObject::kUdp,
     "container_udp_received_bytes_total, container_udp_received_datagrams_total", "", kUdpReceive},
    // Both find connections where tcp_state has noted them: RequestRing::Share.
    {"requests_recv", BpfObject::kRequests,
     "http_*, rpc_*, db_* and dns_*_duration_seconds of requests over TCP", "requests_send",
     kRequestsReceive},
    {"requests_send", BpfObject::kRequests, "what is sent of those", "requests_recv",
     kRequestsSend},
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
    case BpfObject::kTcp:
      return "tcp";
    case BpfObject::kUdp:
      return "udp";
    case BpfObject::kRequests:
      return "requests";
  }
  return "?";
}

absl::Span<const ProbeRow> ProbeTable() { return kRows; }

}  // namespace leadline::agent::probes
