#include "agent/source/processes.h"

#include <unistd.h>

#include <cstring>

#include <fmt/format.h>

#include "agent/source/node_files.h"
#include "agent/source/text.h"
#include "common/status_macros.h"

namespace leadline::agent::source {
namespace {

constexpr uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD in include/linux/sched.h

uint64_t TicksPerSecond() {
  static const uint64_t ticks = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  return ticks;
}

absl::StatusOr<uint64_t> ReadThreadsRunDelayNs(const std::string& path, FileReader& reader) {
  LL_ASSIGN_OR_RETURN(const std::string_view text, reader.Read(path));
  if (const auto delay_ns = ParseRunDelayNs(text)) return *delay_ns;
  return absl::InternalError(fmt::format("{} is not as the kernel has it: {}", path, text));
}

}  // namespace

std::optional<ProcessStat> ParseProcessStat(std::string_view text) {
  // The command stands in parentheses and may hold any byte, parentheses and blanks included.
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  std::string_view head = text.substr(0, open);
  std::string_view tail = text.substr(close + 1);
  const auto pid = ParseNumber<int32_t>(TakeWord(head));
  // Fields 3 to 24, numbered as in proc(5).
  constexpr int kFirst = 3;
  constexpr int kLast = 24;
  std::string_view fields[kLast + 1];
  for (int i = kFirst; i <= kLast; ++i) fields[i] = TakeWord(tail);
  const auto flags = ParseNumber<uint64_t>(fields[9]);
  const auto user = ParseNumber<uint64_t>(fields[14]);
  const auto system = ParseNumber<uint64_t>(fields[15]);
  const auto threads = ParseNumber<uint32_t>(fields[20]);
  const auto start = ParseNumber<uint64_t>(fields[22]);
  const auto resident = ParseNumber<int64_t>(fields[24]);
  if (!pid || !flags || !user || !system || !threads || !start || !resident) return std::nullopt;
  static const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t tick_ns = 1'000'000'000 / TicksPerSecond();
  return ProcessStat{
      .pid = *pid,
      .command = std::string(text.substr(open + 1, close - open - 1)),
      .kernel_thread = (*flags & kKernelThread) != 0,
      .zombie = fields[kFirst] == "Z",
      .user_ns = *user * tick_ns,
      .system_ns = *system * tick_ns,
      .threads = *threads,
      .start_ticks = *start,
      .resident_bytes = *resident > 0 ? static_cast<uint64_t>(*resident) * page_bytes : 0,
  };
}

absl::StatusOr<ProcessStat> ReadProcessStat(int32_t pid, FileReader& reader) {
  const std::string path = fmt::format("/proc/{}/stat", pid);
  LL_ASSIGN_OR_RETURN(const std::string_view text, reader.Read(path));
  std::optional<ProcessStat> stat = ParseProcessStat(text);
  if (!stat) return absl::InternalError(fmt::format("{} is not as proc(5) has it: {}", path, text));
  return *std::move(stat);
}

std::optional<uint64_t> ParseRunDelayNs(std::string_view text) {
  TakeWord(text);  // time on the CPU
  return ParseNumber<uint64_t>(TakeWord(text));
}

absl::StatusOr<uint64_t> ReadRunDelayNs(const ProcessStat& process, FileReader& reader) {
  if (process.threads <= 1) {
    return ReadThreadsRunDelayNs(fmt::format("/proc/{}/schedstat", process.pid), reader);
  }
  const std::string tasks = fmt::format("/proc/{}/task", process.pid);
  const Directory directory = ListDirectory(tasks);
  if (directory.error != 0) return FileError("read", tasks, directory.error);
  absl::StatusOr<uint64_t> sum = absl::NotFoundError(fmt::format("{} is empty", tasks));
  for (const DirectoryEntry& entry : directory.entries) {
    if (!ParseNumber<int32_t>(entry.name)) continue;
    auto delay_ns =
        ReadThreadsRunDelayNs(fmt::format("{}/{}/schedstat", tasks, entry.name), reader);
    if (absl::IsNotFound(delay_ns.status())) continue;  // the thread has ended
    if (!delay_ns.ok()) return delay_ns;
    sum = sum.value_or(0) + *delay_ns;
  }
  return sum;
}

absl::StatusOr<size_t> ForEachProcess(
    FileReader& reader,
    absl::FunctionRef<void(const ProcessStat&, std::string_view cgroups)> visit) {
  const Directory proc = ListDirectory("/proc");
  if (proc.error != 0) {
    return absl::InternalError(fmt::format("read /proc: {}", std::strerror(proc.error)));
  }
  size_t unreadable = 0;
  const auto failed = [&](const absl::Status& status) {
    if (!absl::IsNotFound(status)) ++unreadable;
  };
  for (const DirectoryEntry& entry : proc.entries) {
    const auto pid = ParseNumber<int32_t>(entry.name);
    if (!pid) continue;
    const auto stat = ReadProcessStat(*pid, reader);
    if (!stat.ok()) {
      failed(stat.status());
      continue;
    }
    if (stat->kernel_thread) continue;
    const auto cgroups = reader.Read(fmt::format("/proc/{}/cgroup", *pid));
    if (!cgroups.ok()) {
      failed(cgroups.status());
      continue;
    }
    visit(*stat, *cgroups);
  }
  return unreadable;
}

absl::StatusOr<int64_t> BootTimeUnixMs(FileReader& reader) {
  LL_ASSIGN_OR_RETURN(std::string_view text, reader.Read("/proc/stat"));
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    if (TakeWord(line) != "btime") continue;
    if (const auto seconds = ParseNumber<int64_t>(TakeWord(line))) return *seconds * 1000;
  }
  return absl::InternalError("/proc/stat has no btime");
}

absl::StatusOr<std::string> BootId(FileReader& reader) {
  LL_ASSIGN_OR_RETURN(std::string_view text, reader.Read("/proc/sys/kernel/random/boot_id"));
  return std::string(TakeWord(text));
}

int64_t StartUnixMs(uint64_t start_ticks, int64_t boot_unix_ms) {
  return boot_unix_ms + static_cast<int64_t>(start_ticks * 1000 / TicksPerSecond());
}

}  // namespace leadline::agent::source
