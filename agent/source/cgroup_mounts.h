// Where the cgroup hierarchies are mounted: pure v1, hybrid (v1 controllers and a v2 tree without
// controllers) or pure v2.
//
// Plain values, made once at start. Source: cgroups(7), proc(5) on mountinfo.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace leadline::agent::source {

struct CgroupMounts {
  std::string v2;  // the cgroup2 mount point; "" on pure v1
  bool v2_memory =
      false;  // the v2 tree has the memory controller, and so cpu usage and memory files
  std::string v1_cpuacct;  // mount points; "" where the v1 controller is not mounted
  std::string v1_memory;
  std::string v1_cpu;
  std::string v1_blkio;
  std::string v1_pids;

  // From the text of /proc/PID/mountinfo; leaves v2_memory false. INVALID_ARGUMENT names the line
  // that is not as documented.
  static absl::StatusOr<CgroupMounts> Parse(std::string_view mountinfo);
};

// Those of this process; NOT_FOUND when no cgroup2 tree is mounted.
absl::StatusOr<CgroupMounts> FindCgroupMounts();

}  // namespace leadline::agent::source
