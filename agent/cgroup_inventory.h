// The cgroups that live, and those that ended since the last interval.
//
// Fed by the kernel's events as they come, and by walks of the tree, which find the cgroups that
// are older than the agent and make up for lost events. Every cgroup is announced to the metadata
// resolver. Times are milliseconds since the Unix epoch. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

#include "agent/meta/cgroup_path.h"
#include "agent/meta/metadata_resolver.h"
#include "common/id128.h"

namespace leadline::agent {

struct Cgroup {
  std::string path;
  Id128 entity;                     // what its samples belong to
  bool is_whole_container = false;  // a container's own cgroup, not one nested in it
};

class CgroupInventory {
 public:
  CgroupInventory(std::string mount_point, int64_t boot_unix_ms, meta::MetadataResolver& resolver);

  void Appeared(uint64_t id, const std::string& path, int64_t start_ms);
  void Ended(uint64_t id, int64_t end_ms);

  // Compares with the tree on disk. NOT_FOUND when it cannot be read.
  absl::Status Walk(int64_t now_ms);
  // Walks when the last walk is a while ago, or something was seen that only a walk explains.
  absl::Status WalkIfDue(int64_t now_ms);
  void RequestWalk() { walk_requested_ = true; }

  const absl::flat_hash_map<uint64_t, Cgroup>& live() const { return live_; }
  // Live, or ended since the last DropEnded; nullptr for an unknown one.
  const Cgroup* Find(uint64_t id) const;
  // Those that ended since the last DropEnded.
  std::vector<uint64_t> EndedIds() const;
  void DropEnded() { ended_.clear(); }

  // The directory of a cgroup.
  std::string Directory(const Cgroup& cgroup) const { return mount_point_ + cgroup.path; }

 private:
  // When the oldest process in it started; `otherwise` where there is none.
  int64_t OldestProcessStart(const std::string& path, int64_t otherwise);

  const std::string mount_point_;
  const int64_t boot_unix_ms_;
  meta::MetadataResolver& resolver_;
  int64_t walked_ms_ = 0;
  bool walk_requested_ = false;
  absl::flat_hash_map<uint64_t, Cgroup> live_;
  absl::flat_hash_map<uint64_t, Cgroup> ended_;
};

}  // namespace leadline::agent
