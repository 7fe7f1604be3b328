#include "agent/source/cgroup_mounts.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <optional>

#include <fmt/format.h>

#include "agent/record/tape.h"
#include "agent/source/escapes.h"
#include "agent/source/file_reader.h"
#include "agent/source/text.h"
#include "common/status_macros.h"

namespace leadline::agent::source {
namespace {

// Of the root of every hierarchy: the first that kernfs makes (fs/kernfs/dir.c).
constexpr ino_t kRootInode = 1;

bool HasOption(std::string_view options, std::string_view option) {
  while (!options.empty()) {
    if (TakeUntil(options, ',') == option) return true;
  }
  return false;
}

constexpr struct {
  std::string_view option;
  std::string CgroupMounts::*mount_point;
} kV1Controllers[] = {
    {"cpuacct", &CgroupMounts::v1_cpuacct}, {"memory", &CgroupMounts::v1_memory},
    {"cpu", &CgroupMounts::v1_cpu},         {"blkio", &CgroupMounts::v1_blkio},
    {"pids", &CgroupMounts::v1_pids},
};

// Those by whose hierarchy may be counted, best first: every runtime gives a container a cgroup of
// its own there.
constexpr struct {
  std::string_view controller;
  std::string CgroupMounts::*mount_point;
} kCountedV1[] = {{"memory", &CgroupMounts::v1_memory}, {"pids", &CgroupMounts::v1_pids}};

bool IsHierarchyRootNow(const std::string& mount_point) {
  struct statfs file_system {};
  struct stat info {};
  if (statfs(mount_point.c_str(), &file_system) != 0 || stat(mount_point.c_str(), &info) != 0) {
    return false;
  }
  const auto type = static_cast<uint32_t>(file_system.f_type);
  return (type == CGROUP2_SUPER_MAGIC || type == CGROUP_SUPER_MAGIC) && info.st_ino == kRootInode;
}

bool IsHierarchyRoot(const std::string& mount_point) {
  return record::Taped(record::Topic::kHost, "is hierarchy root " + mount_point,
                       [&] { return IsHierarchyRootNow(mount_point); });
}

// The number of the v1 hierarchy that has the controller; nullopt where none has.
std::optional<uint32_t> HierarchyNumber(std::string_view self_cgroup, std::string_view controller) {
  while (!self_cgroup.empty()) {
    std::string_view line = TakeUntil(self_cgroup, '\n');
    const auto number = ParseNumber<uint32_t>(TakeUntil(line, ':'));
    if (number && *number != 0 && HasOption(TakeUntil(line, ':'), controller)) return number;
  }
  return std::nullopt;
}

absl::StatusOr<CountedCgroups> ChooseV1(const CgroupMounts& mounts, std::string_view self_cgroup,
                                        std::string why) {
  for (const auto& [controller, mount_point] : kCountedV1) {
    if ((mounts.*mount_point).empty()) continue;
    const auto number = HierarchyNumber(self_cgroup, controller);
    if (!number) continue;
    return CountedCgroups{{*number, std::string(controller)}, mounts.*mount_point, std::move(why)};
  }
  return absl::FailedPreconditionError(
      "no v1 hierarchy with the memory or the pids controller is mounted (/proc/self/mountinfo)");
}

absl::Status NothingIsMounted(const CgroupMounts& mounts) {
  if (mounts.partial.empty()) {
    return absl::FailedPreconditionError(
        "no cgroup2 tree and no v1 hierarchy with the memory or the pids controller is mounted "
        "(/proc/self/mountinfo)");
  }
  return absl::FailedPreconditionError(fmt::format(
      "what is mounted at {} shows a cgroup namespace's part of the hierarchy only: the host's "
      "/sys/fs/cgroup has to be mounted (a hostPath volume), or the agent to run in the host's "
      "cgroup namespace",
      fmt::join(mounts.partial, ", ")));
}

}  // namespace

std::string_view CgroupMounts::Layout() const {
  const bool v1 = !v1_memory.empty() || !v1_pids.empty() || !v1_cpuacct.empty();
  if (v2.empty()) return v1 ? "v1" : "none";
  return v1 ? "hybrid" : "v2";
}

absl::StatusOr<CgroupMounts> CgroupMounts::Parse(
    std::string_view mountinfo, absl::FunctionRef<bool(const std::string&)> is_root) {
  CgroupMounts mounts;
  while (!mountinfo.empty()) {
    const std::string_view line = TakeUntil(mountinfo, '\n');
    if (line.empty()) continue;
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) {
      return absl::InvalidArgumentError(fmt::format("mountinfo has no \" - \" in: {}", line));
    }
    std::string_view before = line.substr(0, dash);
    std::string_view after = line.substr(dash + 3);
    for (int skipped = 0; skipped < 4; ++skipped) TakeWord(before);  // ids, device, root
    const std::string mount_point = UnescapeMountField(TakeWord(before));
    const std::string_view type = TakeWord(after);
    TakeWord(after);  // source
    const std::string_view options = TakeWord(after);
    if (type != "cgroup2" && type != "cgroup") continue;
    if (!is_root(mount_point)) {
      mounts.partial.push_back(mount_point);
      continue;
    }
    // The first mount of a hierarchy wins; later ones are bind mounts of it.
    if (type == "cgroup2" && mounts.v2.empty()) mounts.v2 = mount_point;
    if (type != "cgroup") continue;
    for (const auto& [option, member] : kV1Controllers) {
      if ((mounts.*member).empty() && HasOption(options, option)) mounts.*member = mount_point;
    }
  }
  return mounts;
}

absl::StatusOr<CgroupMounts> FindCgroupMounts() {
  FileReader reader;
  LL_ASSIGN_OR_RETURN(const std::string_view text, reader.Read("/proc/self/mountinfo"));
  LL_ASSIGN_OR_RETURN(CgroupMounts mounts, CgroupMounts::Parse(text, IsHierarchyRoot));
  if (mounts.v2.empty()) return mounts;
  LL_ASSIGN_OR_RETURN(std::string_view controllers, reader.Read(mounts.v2 + "/cgroup.controllers"));
  while (!controllers.empty()) {
    if (TakeWord(controllers) == "memory") mounts.v2_memory = true;
  }
  return mounts;
}

absl::StatusOr<CountedCgroups> ChooseCgroups(CgroupChoice wanted, const CgroupMounts& mounts,
                                             std::string_view self_cgroup, size_t v1_only) {
  const CountedCgroups v2{{}, mounts.v2, ""};
  const auto with_reason = [&](std::string why) {
    CountedCgroups chosen = v2;
    chosen.why = std::move(why);
    return chosen;
  };
  switch (wanted) {
    case CgroupChoice::kV1:
      return ChooseV1(mounts, self_cgroup, "as asked for");
    case CgroupChoice::kV2:
      if (mounts.v2.empty()) {
        return absl::FailedPreconditionError("no cgroup2 tree is mounted (/proc/self/mountinfo)");
      }
      return with_reason("as asked for");
    case CgroupChoice::kAuto:
      break;
  }
  const bool v1 = ChooseV1(mounts, self_cgroup, "").ok();
  if (mounts.v2.empty() && !v1) return NothingIsMounted(mounts);
  if (mounts.v2.empty()) return ChooseV1(mounts, self_cgroup, "no cgroup2 tree is mounted");
  if (!v1) return with_reason("the only hierarchy");
  if (v1_only > 0) {
    return ChooseV1(
        mounts, self_cgroup,
        fmt::format("{} processes of containers have no v2 cgroup of their own", v1_only));
  }
  return with_reason("containers are members of it");
}

}  // namespace leadline::agent::source
