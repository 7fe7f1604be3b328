// The cgroups of this machine as the agent looks at them, found once at start.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "agent/model/cgroup_hierarchy.h"
#include "agent/source/cgroup_membership.h"
#include "agent/source/cgroup_mounts.h"

namespace leadline::agent {

struct Cgroups {
  source::CgroupMounts mounts;
  source::CountedCgroups counted;
  source::CgroupNamespace name_space;  // the agent's own

  // FAILED_PRECONDITION says what is not mounted, or why paths cannot be told.
  static absl::StatusOr<Cgroups> Find(CgroupChoice wanted);

  // Of the v1 hierarchy by which could be counted too; 0 where there is none.
  uint32_t other_v1 = 0;

  // One line for people.
  std::string ToText() const;
};

// Whether a process is in a container by that v1 hierarchy and in none by v2, from the text of its
// /proc/PID/cgroup.
bool IsInContainerByV1Only(std::string_view cgroup_file, uint32_t v1_hierarchy);

}  // namespace leadline::agent
