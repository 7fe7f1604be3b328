// The cgroups that live, and those that ended since the last interval.
//
// Fed by the kernel's events as they come, and by walks of the tree, which find the cgroups that
// are older than the agent and make up for lost events. Every cgroup is announced to the metadata
// resolver. Times are milliseconds since the Unix epoch. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

#include "agent/meta/cgroup_path.h"
#include "agent/meta/metadata_resolver.h"
#include "agent/source/cgroup_tree.h"
#include "common/id128.h"

namespace leadline::agent {

struct Cgroup {
  std::string path;
  Id128 entity;  // what its samples belong to
  int64_t start_ms = 0;
  // As CgroupPath has them; 0 for none.
  size_t outer_length = 0;
  size_t host_length = 0;
  bool host_in_pod = false;

  // A container's own cgroup, neither nested in it nor of a container that runs in a container.
  bool is_whole_container() const { return outer_length == path.size(); }
  // The path of the cgroup whose files count this one too: is_whole_container() is true of that.
  std::string_view Outer() const { return std::string_view(path).substr(0, outer_length); }
  std::string_view Host() const { return std::string_view(path).substr(0, host_length); }
};

class CgroupInventory {
 public:
  // `hierarchy`: whose cgroups they are, by its number, and where it is mounted; "" where there is
  // no tree to walk: then only events tell of cgroups.
  CgroupInventory(uint32_t hierarchy, std::string mount_point, int64_t boot_unix_ms,
                  meta::MetadataResolver& resolver);

  void Appeared(uint64_t id, const std::string& path, int64_t start_ms);
  void Ended(uint64_t id, int64_t end_ms);

  // Compares with the tree on disk. NOT_FOUND when it cannot be read.
  absl::Status Walk(int64_t now_ms);
  // Walks when the last walk is a while ago, or something was seen that only a walk explains.
  absl::Status WalkIfDue(int64_t now_ms);
  void RequestWalk() { walk_requested_ = true; }
  // Walks that succeeded.
  uint64_t walks() const { return walks_; }

  bool has_tree() const { return !mount_point_.empty(); }
  const absl::flat_hash_map<uint64_t, Cgroup>& live() const { return live_; }
  // Live, or ended since the last DropEnded; nullptr for an unknown one.
  const Cgroup* Find(uint64_t id) const;
  // Those that ended since the last DropEnded.
  std::vector<uint64_t> EndedIds() const;
  void DropEnded() { ended_.clear(); }

  // The directory of a cgroup.
  std::string Directory(const Cgroup& cgroup) const { return mount_point_ + cgroup.path; }

 private:
  // When the oldest process in it started, or where there is none when its directory was last
  // changed.
  int64_t StartOf(const source::CgroupDirectory& cgroup, int64_t now_ms) const;
  bool IsOnDisk(uint64_t id, const std::string& path) const;

  const uint32_t hierarchy_;
  const std::string mount_point_;
  const int64_t boot_unix_ms_;
  meta::MetadataResolver& resolver_;
  int64_t walked_ms_ = 0;
  bool walk_requested_ = false;
  uint64_t walks_ = 0;
  absl::flat_hash_map<uint64_t, Cgroup> live_;
  absl::flat_hash_map<uint64_t, Cgroup> ended_;
};

}  // namespace leadline::agent
