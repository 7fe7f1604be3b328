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

constexpr Row kCpuV1[] = {
    {"/cpuacct.usage", "", &CgroupStats::cpu_usage_ns},
    {"/cpuacct.stat", "user", &CgroupStats::cpu_user_ns, Form::kTicks},
    {"/cpuacct.stat", "system", &CgroupStats::cpu_system_ns, Form::kTicks},
};

constexpr Row kCpuV2[] = {
    {"/cpu.stat", "usage_usec", &CgroupStats::cpu_usage_ns, Form::kMicroseconds},
    {"/cpu.stat", "user_usec", &CgroupStats::cpu_user_ns, Form::kMicroseconds},
    {"/cpu.stat", "system_usec", &CgroupStats::cpu_system_ns, Form::kMicroseconds},
};

constexpr Row kMemoryV1[] = {
    {"/memory.usage_in_bytes", "", &CgroupStats::memory_usage_bytes},
    {"/memory.limit_in_bytes", "", &CgroupStats::memory_limit_bytes, Form::kLimit},
    {"/memory.stat", "total_rss", &CgroupStats::memory_rss_bytes},
    {"/memory.stat", "total_cache", &CgroupStats::memory_cache_bytes},
    {"/memory.stat", "total_inactive_file", &CgroupStats::memory_inactive_file_bytes},
};

constexpr Row kMemoryV2[] = {
    {"/memory.current", "", &CgroupStats::memory_usage_bytes},
    {"/memory.max", "", &CgroupStats::memory_limit_bytes, Form::kLimit},
    {"/memory.stat", "anon", &CgroupStats::memory_rss_bytes},
    {"/memory.stat", "file", &CgroupStats::memory_cache_bytes},
    {"/memory.stat", "inactive_file", &CgroupStats::memory_inactive_file_bytes},
};

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
      return *number * 1000;
    case Form::kLimit:
      return *number < kNoLimit ? *number : 0;
  }
  return std::nullopt;
}

}  // namespace

CgroupStatsReader::CgroupStatsReader(const CgroupMounts& mounts) {
  if (!mounts.v1_cpuacct.empty()) {
    controllers_.push_back({mounts.v1_cpuacct, kCpuV1});
  } else {
    controllers_.push_back({mounts.v2, kCpuV2});
  }
  if (!mounts.v1_memory.empty()) {
    controllers_.push_back({mounts.v1_memory, kMemoryV1});
  } else if (mounts.v2_memory) {
    controllers_.push_back({mounts.v2, kMemoryV2});
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
      ReadFile(path, controller, rest.subspan(0, count), stats);
      rest.remove_prefix(count);
    }
  }
  if (stats.memory_usage_bytes && stats.memory_inactive_file_bytes) {
    const uint64_t usage = *stats.memory_usage_bytes;
    const uint64_t inactive = std::min(usage, *stats.memory_inactive_file_bytes);
    stats.memory_working_set_bytes = usage - inactive;
  }
  return stats;
}

void CgroupStatsReader::ReadFile(std::string_view path, const Controller& controller,
                                 absl::Span<const Row> rows, CgroupStats& stats) {
  file_path_ = controller.mount_point;
  file_path_ += path;
  file_path_ += rows.front().file;
  const auto read = reader_.Read(file_path_);
  if (!read.ok()) return;
  std::string_view text = *read;
  if (rows.front().name.empty()) {
    stats.*rows.front().figure = Parse(TakeWord(text), rows.front().form);
    return;
  }
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    const std::string_view name = TakeWord(line);
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
    if (row != rows.end()) stats.*row->figure = Parse(TakeWord(line), row->form);
  }
}

}  // namespace leadline::agent::source
