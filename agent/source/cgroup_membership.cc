#include "agent/source/cgroup_membership.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "agent/record/tape.h"
#include "agent/source/cgroup_tree.h"
#include "agent/source/node_files.h"
#include "agent/source/text.h"
#include "common/status_macros.h"

namespace leadline::agent::source {
namespace {

constexpr std::string_view kUp = "/..";

bool GoesUp(std::string_view path) {
  return path.starts_with(kUp) && (path.size() == kUp.size() || path[kUp.size()] == '/');
}

bool HasThisProcess(const std::string& directory) {
  const auto self =
      record::Taped(record::Topic::kHost, "getpid", [] { return static_cast<int32_t>(getpid()); });
  const auto pids = CgroupProcesses(directory);
  return pids.ok() && std::find(pids->begin(), pids->end(), self) != pids->end();
}

}  // namespace

std::optional<std::string_view> FindCgroupPath(std::string_view text, uint32_t hierarchy) {
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    if (ParseNumber<uint32_t>(TakeUntil(line, ':')) != hierarchy) continue;
    TakeUntil(line, ':');  // controllers
    if (line.starts_with('/')) return line;
  }
  return std::nullopt;
}

absl::StatusOr<CgroupNamespace> CgroupNamespace::Find(const std::string& mount_point,
                                                      std::string_view own_path) {
  if (!GoesUp(own_path) && HasThisProcess(fmt::format("{}{}", mount_point, own_path))) {
    return CgroupNamespace();
  }
  std::string own_real_path;
  LL_RETURN_IF_ERROR(WalkCgroups(mount_point, [&](const CgroupDirectory& directory) {
    if (own_real_path.empty() && HasThisProcess(mount_point + directory.path)) {
      own_real_path = directory.path;
    }
  }));
  const std::string_view below_root = own_path == "/" ? "" : own_path;
  if (own_real_path.empty() || !own_real_path.ends_with(below_root)) {
    return absl::FailedPreconditionError(fmt::format(
        "this process runs in a cgroup namespace of its own, in which it is at {}, and {} shows it "
        "at \"{}\": run it in the host's cgroup namespace",
        own_path, mount_point, own_real_path));
  }
  own_real_path.resize(own_real_path.size() - below_root.size());
  return CgroupNamespace(std::move(own_real_path));
}

std::string_view CgroupNamespace::Resolve(std::string_view path, std::string& buffer) const {
  if (root_.empty()) return path;
  std::string_view base = root_;
  while (GoesUp(path)) {
    path.remove_prefix(kUp.size());
    base = base.substr(0, std::min(base.rfind('/'), base.size()));
  }
  if (path == "/") path = {};
  buffer.assign(base);
  buffer.append(path);
  if (buffer.empty()) buffer = "/";
  return buffer;
}

absl::StatusOr<size_t> CountProcesses(FileReader& reader,
                                      absl::FunctionRef<bool(std::string_view text)> matches) {
  const Directory proc = ListDirectory("/proc");
  if (proc.error != 0) {
    return absl::InternalError(fmt::format("read /proc: {}", std::strerror(proc.error)));
  }
  size_t count = 0;
  for (const DirectoryEntry& entry : proc.entries) {
    if (!ParseNumber<int32_t>(entry.name)) continue;
    const auto text = reader.Read(fmt::format("/proc/{}/cgroup", entry.name));
    if (text.ok() && matches(*text)) ++count;
  }
  return count;
}

}  // namespace leadline::agent::source
