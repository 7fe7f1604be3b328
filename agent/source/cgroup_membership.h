// Which cgroup a process is in, from /proc/PID/cgroup.
//
// Paths there are relative to the cgroup namespace of whoever reads: an agent with a namespace of
// its own sees "/../../kubepods/…", which a CgroupNamespace turns into the path that the kernel's
// events and the mounts have. Source: cgroups(7), cgroup_namespaces(7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

#include "agent/source/file_reader.h"

namespace leadline::agent::source {

// The path on a hierarchy (0: v2) of the text of /proc/PID/cgroup; nullopt where there is none.
std::optional<std::string_view> FindCgroupPath(std::string_view text, uint32_t hierarchy);

// Where the root of a cgroup namespace lies. A plain value; thread-safe.
class CgroupNamespace {
 public:
  // The host's, where paths are as they are.
  CgroupNamespace() = default;
  // One whose root is at `root`: "/kubepods/pod1/c1".
  explicit CgroupNamespace(std::string root) : root_(root == "/" ? "" : std::move(root)) {}

  // That of this process, on the hierarchy mounted at `mount_point`, in which this process' path is
  // `own_path` as it reads it. FAILED_PRECONDITION when it cannot be told: this process was moved
  // to a cgroup outside of its namespace, or the mount does not show it.
  static absl::StatusOr<CgroupNamespace> Find(const std::string& mount_point,
                                              std::string_view own_path);

  // The path from the hierarchy's root of one that is relative to this namespace. Valid as long as
  // `path` and `buffer` stay as they are.
  std::string_view Resolve(std::string_view path, std::string& buffer) const;

  // "" for the host's.
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

// How many processes have a /proc/PID/cgroup of which `matches` is true. Those that cannot be read
// are passed over.
absl::StatusOr<size_t> CountProcesses(FileReader& reader,
                                      absl::FunctionRef<bool(std::string_view text)> matches);

}  // namespace leadline::agent::source
