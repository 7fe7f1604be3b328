#include "kube/owner_cache.h"

#include <utility>

namespace leadline::kube {

const OwnerEntry* OwnerCache::Get(std::string_view uid, int64_t now_ns) {
  const auto it = by_uid_.find(uid);
  if (it == by_uid_.end() || it->second->until_ns <= now_ns) return nullptr;
  recent_.splice(recent_.begin(), recent_, it->second);
  return &it->second->entry;
}

void OwnerCache::Put(std::string_view uid, OwnerEntry entry, int64_t until_ns) {
  if (const auto it = by_uid_.find(uid); it != by_uid_.end()) {
    it->second->entry = std::move(entry);
    it->second->until_ns = until_ns;
    recent_.splice(recent_.begin(), recent_, it->second);
    return;
  }
  if (recent_.size() >= capacity_) {
    by_uid_.erase(recent_.back().uid);
    recent_.pop_back();
  }
  recent_.push_front({std::string(uid), std::move(entry), until_ns});
  by_uid_[recent_.front().uid] = recent_.begin();
}

}  // namespace leadline::kube
