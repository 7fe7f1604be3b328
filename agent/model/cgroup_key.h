// A cgroup's identity on one boot of a machine: ids are unique only within their hierarchy.
#pragma once

#include <compare>
#include <cstdint>
#include <utility>

namespace leadline::agent {

struct CgroupKey {
  uint32_t hierarchy = 0;  // as in /proc/self/cgroup; 0 is the v2 one
  uint64_t id = 0;         // inode number of the directory, bpf_get_current_cgroup_id()

  auto operator<=>(const CgroupKey&) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const CgroupKey& key) {
    return H::combine(std::move(state), key.hierarchy, key.id);
  }
};

}  // namespace leadline::agent
