// The machine's processes, from /proc.
//
// Kernel threads are left out. Times of the CPU are in nanoseconds, rounded to clock ticks; start
// times in clock ticks since boot. Source: proc(5) on /proc/PID/stat, cgroups(7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/source/file_reader.h"

namespace leadline::agent::source {

struct ProcessStat {
  int32_t pid = 0;
  std::string command;  // at most 15 bytes, as the kernel has it
  bool kernel_thread = false;
  bool zombie = false;
  uint64_t user_ns = 0;
  uint64_t system_ns = 0;
  uint32_t threads = 0;
  uint64_t start_ticks = 0;
  uint64_t resident_bytes = 0;
};

// nullopt when the text is not as documented.
std::optional<ProcessStat> ParseProcessStat(std::string_view text);

absl::StatusOr<ProcessStat> ReadProcessStat(int32_t pid, FileReader& reader);

// The second number of the text of a schedstat file, as Documentation/scheduler/sched-stats.rst of
// Linux has it: nanoseconds on a run queue, waiting for a CPU. nullopt when the text is otherwise.
std::optional<uint64_t> ParseRunDelayNs(std::string_view text);

// Of all threads that the process has now. NOT_FOUND where the kernel has no schedstat, or the
// process has ended.
absl::StatusOr<uint64_t> ReadRunDelayNs(const ProcessStat& process, FileReader& reader);

// Calls `visit` for every process with the text of its cgroup file, in the order of pids; see
// cgroup_membership.h. A zombie's paths on v1 are "/", whatever they were. Processes that end on
// the way are skipped. Returns how many were there and could not be read.
absl::StatusOr<size_t> ForEachProcess(
    FileReader& reader,
    absl::FunctionRef<void(const ProcessStat&, std::string_view cgroups)> visit);

// When the machine booted, from /proc/stat, and its boot id.
absl::StatusOr<int64_t> BootTimeUnixMs(FileReader& reader);
absl::StatusOr<std::string> BootId(FileReader& reader);

// The wall-clock time of a process' start.
int64_t StartUnixMs(uint64_t start_ticks, int64_t boot_unix_ms);

}  // namespace leadline::agent::source
