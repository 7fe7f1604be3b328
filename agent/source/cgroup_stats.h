// CPU and memory of one cgroup from its files, as cAdvisor reads them.
//
// v1: cpuacct.usage, cpuacct.stat, memory.usage_in_bytes, memory.stat (the total_ lines, which
// include children), memory.limit_in_bytes. v2: cpu.stat, memory.current, memory.stat, memory.max.
// A figure whose file is missing is absent, never 0. Not thread-safe.
// Source: kernel Documentation/admin-guide/cgroup-v1/{cpuacct,memory}.rst and cgroup-v2.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/source/cgroup_mounts.h"
#include "agent/source/file_reader.h"

namespace leadline::agent::source {

struct CgroupStats {
  std::optional<uint64_t> cpu_usage_ns;
  std::optional<uint64_t> cpu_user_ns;
  std::optional<uint64_t> cpu_system_ns;
  std::optional<uint64_t> memory_usage_bytes;
  std::optional<uint64_t> memory_working_set_bytes;  // usage without inactive file pages
  std::optional<uint64_t> memory_rss_bytes;
  std::optional<uint64_t> memory_cache_bytes;
  std::optional<uint64_t> memory_limit_bytes;  // 0: no limit
};

class CgroupStatsReader {
 public:
  explicit CgroupStatsReader(CgroupMounts mounts) : mounts_(std::move(mounts)) {}

  // `path` is relative to the mount points, the same in each hierarchy. All absent when the cgroup
  // is gone.
  CgroupStats Read(std::string_view path);

 private:
  void ReadCpuV1(const std::string& directory, CgroupStats& stats);
  void ReadCpuV2(const std::string& directory, CgroupStats& stats);
  void ReadMemory(const std::string& directory, bool v2, CgroupStats& stats);
  std::optional<uint64_t> ReadValue(const std::string& path);

  const CgroupMounts mounts_;
  FileReader reader_;
};

}  // namespace leadline::agent::source
