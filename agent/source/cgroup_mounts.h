// Where the cgroup hierarchies are mounted, and by which of them the agent counts.
//
// Pure v1, hybrid (v1 controllers and a v2 tree without controllers) or pure v2. Only mounts that
// show a hierarchy from its root are of use: one of an own cgroup namespace has other paths than
// the kernel's events, and hides the other cgroups.
//
// Plain values, made once at start. Source: cgroups(7), cgroup_namespaces(7), proc(5) on mountinfo.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

#include "agent/model/cgroup_hierarchy.h"

namespace leadline::agent::source {

struct CgroupMounts {
  std::string v2;          // the cgroup2 mount point; "" on pure v1
  bool v2_memory = false;  // the v2 tree has the memory controller, and so cpu usage and memory
                           // files
  std::string v1_cpuacct;  // mount points; "" where the v1 controller is not mounted
  std::string v1_memory;
  std::string v1_cpu;
  std::string v1_blkio;
  std::string v1_pids;

  // Mount points of hierarchies that show a part of them only.
  std::vector<std::string> partial;

  // "v2", "hybrid", "v1" or "none".
  std::string_view Layout() const;

  // From the text of /proc/PID/mountinfo; leaves v2_memory false. `is_root` says of a mount point
  // whether it shows its hierarchy's root. INVALID_ARGUMENT names the line that is not as
  // documented.
  static absl::StatusOr<CgroupMounts> Parse(std::string_view mountinfo,
                                            absl::FunctionRef<bool(const std::string&)> is_root);
};

// Those of this process.
absl::StatusOr<CgroupMounts> FindCgroupMounts();

// By whose cgroups everything is counted.
struct CountedCgroups {
  CgroupHierarchy hierarchy;
  std::string mount_point;
  std::string why;  // for people: what spoke for it
};

// v2's wherever containers are members of it, else v1's by the memory or the pids controller.
// `self_cgroup` is the text of /proc/self/cgroup. `v1_only` are the processes that run in a
// container by v1 and in none by v2: on a hybrid layout whose runtime knows v1 only.
// FAILED_PRECONDITION says what is missing.
absl::StatusOr<CountedCgroups> ChooseCgroups(CgroupChoice wanted, const CgroupMounts& mounts,
                                             std::string_view self_cgroup, size_t v1_only);

}  // namespace leadline::agent::source
