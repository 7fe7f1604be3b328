// The resource figures of one cgroup from its files, as cAdvisor reads them.
//
// Each is a row of a table in cgroup_stats.cc that says which line of which file it is, on v1 and
// on v2. A figure whose file or line is missing is absent, never 0. Each file is read once, by a
// descriptor that stays open. To add a figure: a member of CgroupStats and its rows. Not
// thread-safe. Source: kernel Documentation/admin-guide/cgroup-v1/*.rst, cgroup-v2.rst,
// accounting/psi.rst; for the meaning of limits and shares cAdvisor's container/common/helpers.go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

#include "agent/source/block_io.h"
#include "agent/source/cgroup_mounts.h"
#include "agent/source/open_files.h"

namespace leadline::agent::source {

struct CgroupStats {
  std::optional<uint64_t> cpu_usage_ns;
  std::optional<uint64_t> cpu_user_ns;
  std::optional<uint64_t> cpu_system_ns;
  std::optional<uint64_t> cpu_periods;
  std::optional<uint64_t> cpu_throttled_periods;
  std::optional<uint64_t> cpu_throttled_ns;
  std::optional<uint64_t> cpu_quota_us;  // absent where there is no limit
  std::optional<uint64_t> cpu_period_us;
  std::optional<uint64_t> cpu_shares;  // v2's weight as the shares that it was made from

  std::optional<uint64_t> memory_usage_bytes;
  std::optional<uint64_t> memory_max_usage_bytes;
  std::optional<uint64_t> memory_inactive_file_bytes;
  std::optional<uint64_t> memory_working_set_bytes;  // usage without inactive file pages
  std::optional<uint64_t> memory_rss_bytes;
  std::optional<uint64_t> memory_cache_bytes;
  std::optional<uint64_t> memory_mapped_file_bytes;
  std::optional<uint64_t> memory_swap_bytes;
  std::optional<uint64_t> memory_limit_hits;        // times that usage met the limit
  std::optional<uint64_t> memory_limit_bytes;       // of the limits 0 is none
  std::optional<uint64_t> memory_swap_limit_bytes;  // v1: memory and swap, v2: swap alone
  std::optional<uint64_t> memory_reservation_bytes;
  std::optional<uint64_t> page_faults;  // on v2 those of nested cgroups too
  std::optional<uint64_t> major_page_faults;
  std::optional<uint64_t> page_faults_with_children;
  std::optional<uint64_t> major_page_faults_with_children;
  std::optional<uint64_t> oom_kills;

  std::optional<uint64_t> threads;
  std::optional<uint64_t> max_threads;  // 0: no limit

  // Pressure: `waiting` is the time in which some task waited, `stalled` that in which all did.
  std::optional<uint64_t> cpu_waiting_ns;
  std::optional<uint64_t> cpu_stalled_ns;
  std::optional<uint64_t> memory_waiting_ns;
  std::optional<uint64_t> memory_stalled_ns;
  std::optional<uint64_t> io_waiting_ns;
  std::optional<uint64_t> io_stalled_ns;

  std::vector<DeviceIo> devices;
};

class CgroupStatsReader {
 public:
  // `files` must outlive it; the caller ends its rounds.
  CgroupStatsReader(const CgroupMounts& mounts, OpenFiles& files);

  // `path` is relative to the mount points, the same in each hierarchy. All absent when the cgroup
  // is gone.
  CgroupStats Read(std::string_view path);

  // How a number of a file becomes a figure.
  enum class Form : uint8_t {
    kAsIs,
    kTicks,         // clock ticks to nanoseconds
    kMicroseconds,  // to nanoseconds
    kLimit,         // none is 0: "max", or on v1 anything near the largest long
    kWeight,        // v2's cpu.weight to v1's cpu.shares
    kTotal,         // the microseconds of "... total=17" to nanoseconds
  };
  // One number of one file.
  struct Row {
    std::string_view file;
    std::string_view name;  // of its line; "" where the file is one line without a name
    std::optional<uint64_t> CgroupStats::*figure;
    Form form = Form::kAsIs;
    uint8_t word = 0;  // of the words after the name
  };
  // A file with a line for each device.
  struct DeviceFile {
    std::string_view file;
    void (*parse)(std::string_view text, std::vector<DeviceIo>& devices);
  };

 private:
  // The rows of one controller; those of one file are next to each other.
  struct Controller {
    std::string mount_point;
    absl::Span<const Row> rows;
  };

  std::optional<std::string_view> ReadFile(const std::string& mount_point, std::string_view path,
                                           std::string_view file);

  std::vector<Controller> controllers_;
  std::string device_mount_point_;
  absl::Span<const DeviceFile> device_files_;
  OpenFiles& files_;
  std::string file_path_;
};

}  // namespace leadline::agent::source
