#include "agent/source/cgroup_tree.h"

#include <cstring>

#include <fmt/format.h>

#include "agent/source/file_reader.h"
#include "agent/source/node_files.h"
#include "agent/source/text.h"
#include "common/status_macros.h"

namespace leadline::agent::source {
namespace {

// Deeper trees are cut; the kernel's own default for cgroup.max.depth is "max".
constexpr int kMaxDepth = 64;

void Walk(const Directory& directory, const std::string& mount_point, CgroupDirectory& at,
          int depth, absl::FunctionRef<void(const CgroupDirectory&)> visit) {
  if (directory.error != 0) return;
  at.id = directory.inode;
  at.mtime_ms = directory.mtime_ms;
  visit(at);
  if (depth == kMaxDepth) return;
  const size_t length = at.path.size();
  for (const DirectoryEntry& child : directory.entries) {
    if (!child.is_directory || child.name.front() == '.') continue;
    if (at.path.back() != '/') at.path += '/';
    at.path += child.name;
    Walk(ListDirectory(mount_point + at.path), mount_point, at, depth + 1, visit);
    at.path.resize(length);
  }
}

}  // namespace

absl::Status WalkCgroups(const std::string& mount_point,
                         absl::FunctionRef<void(const CgroupDirectory&)> visit) {
  const Directory directory = ListDirectory(mount_point);
  if (directory.error != 0) {
    return absl::NotFoundError(
        fmt::format("read {}: {}", mount_point, std::strerror(directory.error)));
  }
  CgroupDirectory root{.id = 0, .path = "/"};
  Walk(directory, mount_point, root, 0, visit);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int32_t>> CgroupProcesses(const std::string& cgroup_directory) {
  FileReader reader;
  LL_ASSIGN_OR_RETURN(std::string_view text, reader.Read(cgroup_directory + "/cgroup.procs"));
  std::vector<int32_t> pids;
  while (!text.empty()) {
    const auto pid = ParseNumber<int32_t>(TakeUntil(text, '\n'));
    if (pid && *pid > 0) pids.push_back(*pid);
  }
  return pids;
}

}  // namespace leadline::agent::source
