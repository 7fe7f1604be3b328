#include "agent/source/cgroup_stats.h"

#include <unistd.h>

#include <algorithm>

#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

using Form = CgroupStatsReader::Form;
using Row = CgroupStatsReader::Row;

// v1 writes "no limit" as the largest page-aligned value of a long; anything near it is none.
constexpr uint64_t kNoLimit = uint64_t{1} << 62;

constexpr Row kCpuacctV1[] = {
    {"/cpuacct.usage", "", &CgroupStats::cpu_usage_ns},
    {"/cpuacct.stat", "user", &CgroupStats::cpu_user_ns, Form::kTicks},
    {"/cpuacct.stat", "system", &CgroupStats::cpu_system_ns, Form::kTicks},
};

constexpr Row kCpuV1[] = {
    {"/cpu.stat", "nr_periods", &CgroupStats::cpu_periods},
    {"/cpu.stat", "nr_throttled", &CgroupStats::cpu_throttled_periods},
    {"/cpu.stat", "throttled_time", &CgroupStats::cpu_throttled_ns},
    {"/cpu.cfs_quota_us", "", &CgroupStats::cpu_quota_us},  // -1, which is no number here, is none
    {"/cpu.cfs_period_us", "", &CgroupStats::cpu_period_us},
    {"/cpu.shares", "", &CgroupStats::cpu_shares},
};

constexpr Row kCpuV2[] = {
    {"/cpu.stat", "usage_usec", &CgroupStats::cpu_usage_ns, Form::kMicroseconds},
    {"/cpu.stat", "user_usec", &CgroupStats::cpu_user_ns, Form::kMicroseconds},
    {"/cpu.stat", "system_usec", &CgroupStats::cpu_system_ns, Form::kMicroseconds},
    {"/cpu.stat", "nr_periods", &CgroupStats::cpu_periods},
    {"/cpu.stat", "nr_throttled", &CgroupStats::cpu_throttled_periods},
    {"/cpu.stat", "throttled_usec", &CgroupStats::cpu_throttled_ns, Form::kMicroseconds},
    {"/cpu.max", "", &CgroupStats::cpu_quota_us},  // "max", which is no number, is none
    {"/cpu.max", "", &CgroupStats::cpu_period_us, Form::kAsIs, 1},
    {"/cpu.weight", "", &CgroupStats::cpu_shares, Form::kWeight},
};

constexpr Row kMemoryV1[] = {
    {"/memory.usage_in_bytes", "", &CgroupStats::memory_usage_bytes},
    {"/memory.max_usage_in_bytes", "", &CgroupStats::memory_max_usage_bytes},
    {"/memory.failcnt", "", &CgroupStats::memory_limit_hits},
    {"/memory.limit_in_bytes", "", &CgroupStats::memory_limit_bytes, Form::kLimit},
    {"/memory.memsw.limit_in_bytes", "", &CgroupStats::memory_swap_limit_bytes, Form::kLimit},
    {"/memory.soft_limit_in_bytes", "", &CgroupStats::memory_reservation_bytes, Form::kLimit},
    {"/memory.stat", "total_rss", &CgroupStats::memory_rss_bytes},
    {"/memory.stat", "total_cache", &CgroupStats::memory_cache_bytes},
    {"/memory.stat", "total_inactive_file", &CgroupStats::memory_inactive_file_bytes},
    {"/memory.stat", "total_mapped_file", &CgroupStats::memory_mapped_file_bytes},
    {"/memory.stat", "total_swap", &CgroupStats::memory_swap_bytes},
    {"/memory.stat", "pgfault", &CgroupStats::page_faults},
    {"/memory.stat", "pgmajfault", &CgroupStats::major_page_faults},
    {"/memory.stat", "total_pgfault", &CgroupStats::page_faults_with_children},
    {"/memory.stat", "total_pgmajfault", &CgroupStats::major_page_faults_with_children},
    {"/memory.oom_control", "oom_kill", &CgroupStats::oom_kills},
};

constexpr Row kMemoryV2[] = {
    {"/memory.current", "", &CgroupStats::memory_usage_bytes},
    {"/memory.peak", "", &CgroupStats::memory_max_usage_bytes},
    {"/memory.max", "", &CgroupStats::memory_limit_bytes, Form::kLimit},
    {"/memory.swap.max", "", &CgroupStats::memory_swap_limit_bytes, Form::kLimit},
    {"/memory.swap.current", "", &CgroupStats::memory_swap_bytes},
    {"/memory.min", "", &CgroupStats::memory_reservation_bytes, Form::kLimit},
    {"/memory.stat", "anon", &CgroupStats::memory_rss_bytes},
    {"/memory.stat", "file", &CgroupStats::memory_cache_bytes},
    {"/memory.stat", "inactive_file", &CgroupStats::memory_inactive_file_bytes},
    {"/memory.stat", "file_mapped", &CgroupStats::memory_mapped_file_bytes},
    {"/memory.stat", "pgfault", &CgroupStats::page_faults},
    {"/memory.stat", "pgmajfault", &CgroupStats::major_page_faults},
    {"/memory.stat", "pgfault", &CgroupStats::page_faults_with_children},
    {"/memory.stat", "pgmajfault", &CgroupStats::major_page_faults_with_children},
    {"/memory.events", "max", &CgroupStats::memory_limit_hits},
    {"/memory.events", "oom_kill", &CgroupStats::oom_kills},
};

// The same names on both.
constexpr Row kPids[] = {
    {"/pids.current", "", &CgroupStats::threads},
    {"/pids.max", "", &CgroupStats::max_threads, Form::kLimit},
};

// On v2 only; in a hybrid its tree has them without any controller.
constexpr Row kPressure[] = {
    {"/cpu.pressure", "some", &CgroupStats::cpu_waiting_ns, Form::kTotal},
    {"/cpu.pressure", "full", &CgroupStats::cpu_stalled_ns, Form::kTotal},
    {"/memory.pressure", "some", &CgroupStats::memory_waiting_ns, Form::kTotal},
    {"/memory.pressure", "full", &CgroupStats::memory_stalled_ns, Form::kTotal},
    {"/io.pressure", "some", &CgroupStats::io_waiting_ns, Form::kTotal},
    {"/io.pressure", "full", &CgroupStats::io_stalled_ns, Form::kTotal},
};

// These count what every device did, whichever scheduler it has.
constexpr CgroupStatsReader::DeviceFile kDevicesV1[] = {
    {"/blkio.throttle.io_serviced_recursive", ParseBlkioServiced},
    {"/blkio.throttle.io_service_bytes_recursive", ParseBlkioServiceBytes},
};

constexpr CgroupStatsReader::DeviceFile kDevicesV2[] = {{"/io.stat", ParseIoStat}};

// The inverse of what runtimes do: shares 2 to 262144 are weights 1 to 10000.
uint64_t SharesOfWeight(uint64_t weight) {
  weight = std::clamp<uint64_t>(weight, 1, 10000);
  return 2 + (weight - 1) * 262142 / 9999;
}

// "17" of "avg10=0.00 ... total=17".
std::string_view TotalOf(std::string_view line) {
  const size_t at = line.find("total=");
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + 6);
  return TakeWord(line);
}

std::optional<uint64_t> Parse(std::string_view word, Form form) {
  static const uint64_t tick_ns = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  if (form == Form::kLimit && word == "max") return 0;
  const auto number = ParseNumber<uint64_t>(word);
  if (!number) return std::nullopt;
  switch (form) {
    case Form::kAsIs:
      return number;
    case Form::kTicks:
      return *number * tick_ns;
    case Form::kMicroseconds:
    case Form::kTotal:
      return *number * 1000;
    case Form::kLimit:
      return *number < kNoLimit ? *number : 0;
    case Form::kWeight:
      return SharesOfWeight(*number);
  }
  return std::nullopt;
}

// What `row` says of `line`, which is its own: the words after the name.
std::optional<uint64_t> FigureOf(const Row& row, std::string_view line) {
  if (row.form == Form::kTotal) return Parse(TotalOf(line), row.form);
  for (uint8_t skipped = 0; skipped < row.word; ++skipped) TakeWord(line);
  return Parse(TakeWord(line), row.form);
}

// `rows` are those of one file.
void ParseFile(std::string_view text, absl::Span<const Row> rows, CgroupStats& stats) {
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view rest = line;
    const std::string_view name = TakeWord(rest);
    for (const Row& row : rows) {
      if (row.name.empty()) {
        stats.*row.figure = FigureOf(row, line);
      } else if (row.name == name) {
        stats.*row.figure = FigureOf(row, rest);
      }
    }
  }
}

}  // namespace

CgroupStatsReader::CgroupStatsReader(const CgroupMounts& mounts, OpenFiles& files) : files_(files) {
  const auto add = [this](const std::string& mount_point, absl::Span<const Row> rows) {
    if (!mount_point.empty()) controllers_.push_back({mount_point, rows});
  };
  if (mounts.v1_cpuacct.empty() && mounts.v1_cpu.empty()) {
    add(mounts.v2, kCpuV2);
  } else {
    add(mounts.v1_cpuacct, kCpuacctV1);
    add(mounts.v1_cpu, kCpuV1);
  }
  if (!mounts.v1_memory.empty()) {
    add(mounts.v1_memory, kMemoryV1);
  } else if (mounts.v2_memory) {
    add(mounts.v2, kMemoryV2);
  }
  add(mounts.v1_pids.empty() ? mounts.v2 : mounts.v1_pids, kPids);
  add(mounts.v2, kPressure);
  if (!mounts.v1_blkio.empty()) {
    device_mount_point_ = mounts.v1_blkio;
    device_files_ = kDevicesV1;
  } else if (!mounts.v2.empty()) {
    device_mount_point_ = mounts.v2;
    device_files_ = kDevicesV2;
  }
}

CgroupStats CgroupStatsReader::Read(std::string_view path) {
  CgroupStats stats;
  for (const Controller& controller : controllers_) {
    absl::Span<const Row> rest = controller.rows;
    while (!rest.empty()) {
      const auto end = std::find_if(rest.begin(), rest.end(),
                                    [&](const Row& row) { return row.file != rest.front().file; });
      const auto count = static_cast<size_t>(end - rest.begin());
      if (const auto text = ReadFile(controller.mount_point, path, rest.front().file)) {
        ParseFile(*text, rest.subspan(0, count), stats);
      }
      rest.remove_prefix(count);
    }
  }
  for (const DeviceFile& file : device_files_) {
    if (const auto text = ReadFile(device_mount_point_, path, file.file)) {
      file.parse(*text, stats.devices);
    }
  }
  if (stats.memory_usage_bytes && stats.memory_inactive_file_bytes) {
    const uint64_t usage = *stats.memory_usage_bytes;
    const uint64_t inactive = std::min(usage, *stats.memory_inactive_file_bytes);
    stats.memory_working_set_bytes = usage - inactive;
  }
  return stats;
}

std::optional<std::string_view> CgroupStatsReader::ReadFile(const std::string& mount_point,
                                                            std::string_view path,
                                                            std::string_view file) {
  file_path_ = mount_point;
  file_path_ += path;
  file_path_ += file;
  return files_.Read(file_path_, OpenFiles::Records::kOne);
}

}  // namespace leadline::agent::source
