#include "agent/source/cgroup_stats.h"

#include <unistd.h>

#include <fmt/format.h>

#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

// v1 writes "no limit" as the largest page-aligned value of a long; anything near it is none.
constexpr uint64_t kV1NoLimit = uint64_t{1} << 62;

// The lines "name value" of a stat file that are asked for.
struct Wanted {
  std::string_view name;
  std::optional<uint64_t>* value;
};

template <size_t N>
void ReadLines(std::string_view text, const Wanted (&wanted)[N]) {
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    const std::string_view name = TakeWord(line);
    for (const Wanted& want : wanted) {
      if (want.name == name) *want.value = ParseNumber<uint64_t>(TakeWord(line));
    }
  }
}

void Scale(std::optional<uint64_t>& value, uint64_t factor) {
  if (value) *value *= factor;
}

}  // namespace

CgroupStats CgroupStatsReader::Read(std::string_view path) {
  CgroupStats stats;
  if (!mounts_.v1_cpuacct.empty()) {
    ReadCpuV1(fmt::format("{}{}", mounts_.v1_cpuacct, path), stats);
  } else {
    ReadCpuV2(fmt::format("{}{}", mounts_.v2, path), stats);
  }
  const bool memory_v2 = mounts_.v1_memory.empty() && mounts_.v2_memory;
  if (memory_v2 || !mounts_.v1_memory.empty()) {
    ReadMemory(fmt::format("{}{}", memory_v2 ? mounts_.v2 : mounts_.v1_memory, path), memory_v2,
               stats);
  }
  return stats;
}

void CgroupStatsReader::ReadCpuV1(const std::string& directory, CgroupStats& stats) {
  stats.cpu_usage_ns = ReadValue(directory + "/cpuacct.usage");
  const auto text = reader_.Read(directory + "/cpuacct.stat");
  if (!text.ok()) return;
  ReadLines(*text, {{"user", &stats.cpu_user_ns}, {"system", &stats.cpu_system_ns}});
  static const uint64_t tick_ns = 1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  Scale(stats.cpu_user_ns, tick_ns);
  Scale(stats.cpu_system_ns, tick_ns);
}

void CgroupStatsReader::ReadCpuV2(const std::string& directory, CgroupStats& stats) {
  const auto text = reader_.Read(directory + "/cpu.stat");
  if (!text.ok()) return;
  ReadLines(*text, {{"usage_usec", &stats.cpu_usage_ns},
                    {"user_usec", &stats.cpu_user_ns},
                    {"system_usec", &stats.cpu_system_ns}});
  Scale(stats.cpu_usage_ns, 1000);
  Scale(stats.cpu_user_ns, 1000);
  Scale(stats.cpu_system_ns, 1000);
}

void CgroupStatsReader::ReadMemory(const std::string& directory, bool v2, CgroupStats& stats) {
  stats.memory_usage_bytes =
      ReadValue(directory + (v2 ? "/memory.current" : "/memory.usage_in_bytes"));
  stats.memory_limit_bytes = ReadValue(directory + (v2 ? "/memory.max" : "/memory.limit_in_bytes"));
  if (!v2 && stats.memory_limit_bytes >= kV1NoLimit) stats.memory_limit_bytes = 0;
  const auto text = reader_.Read(directory + "/memory.stat");
  if (!text.ok()) return;
  std::optional<uint64_t> inactive_file;
  if (v2) {
    ReadLines(*text, {{"anon", &stats.memory_rss_bytes},
                      {"file", &stats.memory_cache_bytes},
                      {"inactive_file", &inactive_file}});
  } else {
    ReadLines(*text, {{"total_rss", &stats.memory_rss_bytes},
                      {"total_cache", &stats.memory_cache_bytes},
                      {"total_inactive_file", &inactive_file}});
  }
  if (stats.memory_usage_bytes && inactive_file) {
    const uint64_t usage = *stats.memory_usage_bytes;
    stats.memory_working_set_bytes = usage > *inactive_file ? usage - *inactive_file : 0;
  }
}

std::optional<uint64_t> CgroupStatsReader::ReadValue(const std::string& path) {
  const auto text = reader_.Read(path);
  if (!text.ok()) return std::nullopt;
  std::string_view rest = *text;
  const std::string_view word = TakeWord(rest);
  if (word == "max") return 0;
  return ParseNumber<uint64_t>(word);
}

}  // namespace leadline::agent::source
