#include "agent/cgroup_inventory.h"

#include <algorithm>
#include <cerrno>

#include "absl/container/flat_hash_set.h"

#include "agent/source/node_files.h"
#include "agent/source/processes.h"
#include "common/status_macros.h"
#include "common/string_map.h"

namespace leadline::agent {

namespace {

constexpr int64_t kWalkEveryMs = 30'000;

struct Found {
  uint64_t id;
  std::string path;
  int64_t start_ms;
};

// A cgroup is no younger than those in it. `found` holds parents before their children.
void PassStartsUp(std::vector<Found>& found) {
  StringMap<Found*> by_path;
  for (Found& cgroup : found) by_path.emplace(cgroup.path, &cgroup);
  for (auto child = found.rbegin(); child != found.rend(); ++child) {
    const std::string_view path = child->path;
    const auto parent = by_path.find(path.substr(0, path.rfind('/')));
    if (parent == by_path.end()) continue;
    parent->second->start_ms = std::min(parent->second->start_ms, child->start_ms);
  }
}

}  // namespace

CgroupInventory::CgroupInventory(uint32_t hierarchy, std::string mount_point, int64_t boot_unix_ms,
                                 meta::MetadataResolver& resolver)
    : hierarchy_(hierarchy),
      mount_point_(std::move(mount_point)),
      boot_unix_ms_(boot_unix_ms),
      resolver_(resolver) {}

void CgroupInventory::Appeared(uint64_t id, const std::string& path, int64_t start_ms) {
  if (live_.contains(id)) return;
  const meta::CgroupPath place = meta::ParseCgroupPath(path);
  Cgroup cgroup{
      .path = path,
      .entity = resolver_.OnCgroup({.key = {hierarchy_, id}, .path = path, .start_ms = start_ms}),
      .start_ms = start_ms,
      .outer_length = place.outer_length,
      .host_length = place.host_length,
      .host_in_pod = place.host_in_pod,
  };
  live_.emplace(id, std::move(cgroup));
}

void CgroupInventory::Ended(uint64_t id, int64_t end_ms) {
  auto it = live_.find(id);
  if (it == live_.end()) return;
  resolver_.OnCgroupEnd({hierarchy_, id}, end_ms);
  ended_.insert_or_assign(id, std::move(it->second));
  live_.erase(it);
}

absl::Status CgroupInventory::Walk(int64_t now_ms) {
  walked_ms_ = now_ms;
  walk_requested_ = false;
  if (!has_tree()) {
    ++walks_;
    return absl::OkStatus();
  }
  absl::flat_hash_set<uint64_t> on_disk;
  std::vector<Found> found;
  LL_RETURN_IF_ERROR(
      source::WalkCgroups(mount_point_, [&](const source::CgroupDirectory& directory) {
        on_disk.insert(directory.id);
        if (live_.contains(directory.id)) return;
        found.push_back({directory.id, directory.path, StartOf(directory, now_ms)});
      }));
  PassStartsUp(found);
  for (const Found& cgroup : found) Appeared(cgroup.id, cgroup.path, cgroup.start_ms);
  std::vector<uint64_t> gone;
  for (const auto& [id, cgroup] : live_) {
    // The walk passes over what is too deep, or cannot be read just now.
    if (!on_disk.contains(id) && !IsOnDisk(id, cgroup.path)) gone.push_back(id);
  }
  for (uint64_t id : gone) Ended(id, now_ms);
  ++walks_;
  return absl::OkStatus();
}

bool CgroupInventory::IsOnDisk(uint64_t id, const std::string& path) const {
  const source::Inode inode = source::InodeOf(mount_point_ + path);
  if (inode.error == 0) return inode.number == id;
  return inode.error != ENOENT && inode.error != ENOTDIR;
}

absl::Status CgroupInventory::WalkIfDue(int64_t now_ms) {
  const bool set_back = now_ms < walked_ms_;
  if (walk_requested_ || set_back || now_ms - walked_ms_ >= kWalkEveryMs) return Walk(now_ms);
  return absl::OkStatus();
}

const Cgroup* CgroupInventory::Find(uint64_t id) const {
  for (const auto* cgroups : {&live_, &ended_}) {
    if (const auto it = cgroups->find(id); it != cgroups->end()) return &it->second;
  }
  return nullptr;
}

std::vector<uint64_t> CgroupInventory::EndedIds() const {
  std::vector<uint64_t> ids;
  for (const auto& [id, cgroup] : ended_) ids.push_back(id);
  return ids;
}

int64_t CgroupInventory::StartOf(const source::CgroupDirectory& cgroup, int64_t now_ms) const {
  if (cgroup.path == "/") return boot_unix_ms_;
  // A killed runtime leaves cgroups without processes, whose counters have long run.
  int64_t oldest_ms = std::min(now_ms, std::max(cgroup.mtime_ms, boot_unix_ms_));
  const auto pids = source::CgroupProcesses(mount_point_ + cgroup.path);
  if (!pids.ok()) return oldest_ms;
  source::FileReader reader;
  for (int32_t pid : *pids) {
    const auto stat = source::ReadProcessStat(pid, reader);
    if (stat.ok()) {
      oldest_ms = std::min(oldest_ms, source::StartUnixMs(stat->start_ticks, boot_unix_ms_));
    }
  }
  return oldest_ms;
}

}  // namespace leadline::agent
