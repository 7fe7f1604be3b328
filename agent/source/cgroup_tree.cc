#include "agent/source/cgroup_tree.h"

#include <dirent.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "agent/source/file_reader.h"
#include "agent/source/text.h"
#include "common/status_macros.h"

namespace leadline::agent::source {
namespace {

// Deeper trees are cut; the kernel's own default for cgroup.max.depth is "max".
constexpr int kMaxDepth = 64;

void Walk(const std::string& mount_point, CgroupDirectory& at, int depth,
          absl::FunctionRef<void(const CgroupDirectory&)> visit) {
  const std::string directory = mount_point + at.path;
  DIR* dir = opendir(directory.c_str());
  if (dir == nullptr) return;
  struct stat info {};
  if (fstat(dirfd(dir), &info) != 0) {
    closedir(dir);
    return;
  }
  at.id = info.st_ino;
  visit(at);
  std::vector<std::string> children;
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') children.emplace_back(entry->d_name);
  }
  closedir(dir);
  if (depth == kMaxDepth) return;
  const size_t length = at.path.size();
  for (const std::string& child : children) {
    if (at.path.back() != '/') at.path += '/';
    at.path += child;
    Walk(mount_point, at, depth + 1, visit);
    at.path.resize(length);
  }
}

}  // namespace

absl::Status WalkCgroups(const std::string& mount_point,
                         absl::FunctionRef<void(const CgroupDirectory&)> visit) {
  struct stat info {};
  if (stat(mount_point.c_str(), &info) != 0) {
    return absl::NotFoundError(fmt::format("stat {}: {}", mount_point, std::strerror(errno)));
  }
  CgroupDirectory root{.id = 0, .path = "/"};
  Walk(mount_point, root, 0, visit);
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
