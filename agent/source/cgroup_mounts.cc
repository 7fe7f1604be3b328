#include "agent/source/cgroup_mounts.h"

#include <fmt/format.h>

#include "agent/source/escapes.h"
#include "agent/source/file_reader.h"
#include "agent/source/text.h"
#include "common/status_macros.h"

namespace leadline::agent::source {
namespace {

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

}  // namespace

absl::StatusOr<CgroupMounts> CgroupMounts::Parse(std::string_view mountinfo) {
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
    const std::string_view mount_point = TakeWord(before);
    const std::string_view type = TakeWord(after);
    TakeWord(after);  // source
    const std::string_view options = TakeWord(after);
    // The first mount of a hierarchy wins; later ones are bind mounts of it.
    if (type == "cgroup2" && mounts.v2.empty()) mounts.v2 = UnescapeMountField(mount_point);
    if (type != "cgroup") continue;
    for (const auto& [option, member] : kV1Controllers) {
      if ((mounts.*member).empty() && HasOption(options, option)) {
        mounts.*member = UnescapeMountField(mount_point);
      }
    }
  }
  return mounts;
}

absl::StatusOr<CgroupMounts> FindCgroupMounts() {
  FileReader reader;
  LL_ASSIGN_OR_RETURN(const std::string_view text, reader.Read("/proc/self/mountinfo"));
  LL_ASSIGN_OR_RETURN(CgroupMounts mounts, CgroupMounts::Parse(text));
  if (mounts.v2.empty()) {
    return absl::NotFoundError("no cgroup2 tree is mounted (/proc/self/mountinfo)");
  }
  LL_ASSIGN_OR_RETURN(std::string_view controllers, reader.Read(mounts.v2 + "/cgroup.controllers"));
  while (!controllers.empty()) {
    if (TakeWord(controllers) == "memory") mounts.v2_memory = true;
  }
  return mounts;
}

}  // namespace leadline::agent::source
