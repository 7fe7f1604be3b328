#include "agent/cgroups.h"

#include <fmt/format.h>

#include "agent/meta/cgroup_path.h"
#include "common/status_macros.h"

namespace leadline::agent {
namespace {

bool IsOfContainer(std::string_view cgroup_file, uint32_t hierarchy) {
  const auto path = source::FindCgroupPath(cgroup_file, hierarchy);
  return path && meta::ParseCgroupPath(*path).kind == meta::CgroupKind::kContainer;
}

}  // namespace

bool IsInContainerByV1Only(std::string_view cgroup_file, uint32_t v1_hierarchy) {
  constexpr uint32_t kV2 = 0;
  return IsOfContainer(cgroup_file, v1_hierarchy) && !IsOfContainer(cgroup_file, kV2);
}

absl::StatusOr<Cgroups> Cgroups::Find(CgroupChoice wanted) {
  Cgroups found;
  source::FileReader reader;
  LL_ASSIGN_OR_RETURN(found.mounts, source::FindCgroupMounts());
  LL_ASSIGN_OR_RETURN(const std::string_view own_text, reader.Read("/proc/self/cgroup"));
  const std::string own(own_text);
  size_t v1_only = 0;
  const auto v1 = source::ChooseCgroups(CgroupChoice::kV1, found.mounts, own, 0);
  if (v1.ok() && !found.mounts.v2.empty()) {
    LL_ASSIGN_OR_RETURN(v1_only, source::CountProcesses(reader, [&](std::string_view text) {
                          return IsInContainerByV1Only(text, v1->hierarchy.number);
                        }));
  }
  LL_ASSIGN_OR_RETURN(found.counted, source::ChooseCgroups(wanted, found.mounts, own, v1_only));
  if (v1.ok() && found.counted.hierarchy.number == 0) found.other_v1 = v1->hierarchy.number;
  const auto own_path = source::FindCgroupPath(own, found.counted.hierarchy.number);
  if (!own_path) {
    return absl::FailedPreconditionError(
        fmt::format("/proc/self/cgroup has no hierarchy {}", found.counted.hierarchy.number));
  }
  LL_ASSIGN_OR_RETURN(found.name_space,
                      source::CgroupNamespace::Find(found.counted.mount_point, *own_path));
  return found;
}

std::string Cgroups::ToText() const {
  std::string text =
      fmt::format("cgroups: {}, counted by {} at {}: {}", mounts.Layout(),
                  counted.hierarchy.number == 0
                      ? "v2"
                      : fmt::format("v1 {} (hierarchy {})", counted.hierarchy.controller,
                                    counted.hierarchy.number),
                  counted.mount_point, counted.why);
  if (!name_space.root().empty()) {
    text += fmt::format("; in a cgroup namespace of its own, {}", name_space.root());
  }
  return text;
}

}  // namespace leadline::agent
