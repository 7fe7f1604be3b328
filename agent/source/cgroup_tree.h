// The tree of a cgroup hierarchy on disk: which cgroups there are, by id and path.
//
// A cgroup's id is the inode number of its directory (kernfs, 64 bit), which is what the BPF
// programs count by. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace leadline::agent::source {

struct CgroupDirectory {
  uint64_t id = 0;
  std::string path;      // from the mount point, "/" for the root
  int64_t mtime_ms = 0;  // no earlier than its making, and that for one without children; Unix time
};

// Calls `visit` for every cgroup below `mount_point`, parents first, the root included. Directories
// that vanish on the way are skipped. NOT_FOUND when the mount point cannot be read.
absl::Status WalkCgroups(const std::string& mount_point,
                         absl::FunctionRef<void(const CgroupDirectory&)> visit);

// The processes directly in a cgroup, as pids in the reader's pid namespace. Those of another pid
// namespace that have no number here are left out.
absl::StatusOr<std::vector<int32_t>> CgroupProcesses(const std::string& cgroup_directory);

}  // namespace leadline::agent::source
