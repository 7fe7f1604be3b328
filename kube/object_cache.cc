#include "kube/object_cache.h"

#include <utility>

namespace leadline::kube {

void ObjectCache::Replace(std::vector<std::shared_ptr<const Object>> listed,
                          ChangeHandler on_change) {
  StringSet uids;
  for (const auto& object : listed) uids.insert(object->meta.uid);
  std::vector<std::shared_ptr<const Object>> vanished;
  for (const auto& [uid, object] : by_uid_) {
    if (!uids.contains(uid)) vanished.push_back(object);
  }
  for (auto& object : vanished) Delete(std::move(object), on_change);
  for (auto& object : listed) Set(std::move(object), on_change);
}

void ObjectCache::Set(std::shared_ptr<const Object> object, ChangeHandler on_change) {
  const std::string& version = object->meta.resource_version;
  std::shared_ptr<const Object>& known = by_uid_[object->meta.uid];
  if (known != nullptr && !version.empty() && known->meta.resource_version == version) return;
  const EventType type = known == nullptr ? EventType::kAdded : EventType::kModified;
  known = object;
  on_change({type, std::move(object)});
}

void ObjectCache::Delete(std::shared_ptr<const Object> object, ChangeHandler on_change) {
  if (by_uid_.erase(object->meta.uid) == 0) return;
  on_change({EventType::kDeleted, std::move(object)});
}

}  // namespace leadline::kube
