// CPU and memory of one cgroup from its files, as cAdvisor reads them.
//
// v1: cpuacct.usage, cpuacct.stat, memory.usage_in_bytes, memory.stat (the total_ lines, which
// include children), memory.limit_in_bytes. v2: cpu.stat, memory.current, memory.stat, memory.max.
// A figure whose file is missing is absent, never 0. Each file is read once. To add a figure: a
// member of CgroupStats and its rows in cgroup_stats.cc. Not thread-safe.
// Source: kernel Documentation/admin-guide/cgroup-v1/{cpuacct,memory}.rst and cgroup-v2.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "agent/source/cgroup_mounts.h"
#include "agent/source/file_reader.h"

namespace leadline::agent::source {

struct CgroupStats {
  std::optional<uint64_t> cpu_usage_ns;
  std::optional<uint64_t> cpu_user_ns;
  std::optional<uint64_t> cpu_system_ns;
  std::optional<uint64_t> memory_usage_bytes;
  std::optional<uint64_t> memory_inactive_file_bytes;
  std::optional<uint64_t> memory_working_set_bytes;  // usage without inactive file pages
  std::optional<uint64_t> memory_rss_bytes;
  std::optional<uint64_t> memory_cache_bytes;
  std::optional<uint64_t> memory_limit_bytes;  // 0: no limit
};

class CgroupStatsReader {
 public:
  explicit CgroupStatsReader(const CgroupMounts& mounts);

  // `path` is relative to the mount points, the same in each hierarchy. All absent when the cgroup
  // is gone.
  CgroupStats Read(std::string_view path);

  // How a number of a file becomes a figure.
  enum class Form : uint8_t {
    kAsIs,
    kTicks,         // clock ticks to nanoseconds
    kMicroseconds,  // to nanoseconds
    kLimit,         // none is 0: "max", or on v1 anything near the largest long
  };
  // One number of one file.
  struct Row {
    std::string_view file;
    std::string_view name;  // of its line; "" where the file is the number
    std::optional<uint64_t> CgroupStats::*figure;
    Form form = Form::kAsIs;
  };

 private:
  // The rows of one controller; those of one file are next to each other.
  struct Controller {
    std::string mount_point;
    absl::Span<const Row> rows;
  };

  void ReadFile(std::string_view path, const Controller& controller, absl::Span<const Row> rows,
                CgroupStats& stats);

  std::vector<Controller> controllers_;
  FileReader reader_;
  std::string file_path_;
};

}  // namespace leadline::agent::source
