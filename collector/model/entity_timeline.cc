#include "collector/model/entity_timeline.h"

#include <algorithm>

namespace leadline::collector::model {

bool EntityTimeline::Add(const EntityVersion& version) {
  label_hashes_.clear();
  for (EntityVersion& known : versions_) {
    if (known.valid_from_ms > version.valid_from_ms) break;
    if (known.revision > version.revision) return false;
    if (known.valid_from_ms == version.valid_from_ms && known.revision == version.revision) {
      if (known == version) return false;
      known = version;
      return true;
    }
  }
  std::erase_if(versions_, [&](const EntityVersion& known) {
    return known.valid_from_ms >= version.valid_from_ms && known.revision < version.revision;
  });
  const auto after = std::upper_bound(versions_.begin(), versions_.end(), version.valid_from_ms,
                                      [](int64_t valid_from_ms, const EntityVersion& known) {
                                        return valid_from_ms < known.valid_from_ms;
                                      });
  versions_.insert(after, version);
  return true;
}

bool EntityTimeline::Append(EntityVersion version) {
  if (!empty() && version.revision >= Newest().revision &&
      version.valid_from_ms < Newest().valid_from_ms && version.labels == Newest().labels &&
      version.kubernetes_labels == Newest().kubernetes_labels) {
    version.valid_from_ms = Newest().valid_from_ms;
  }
  return Add(version);
}

void EntityTimeline::Merge(const EntityTimeline& other) {
  for (const EntityVersion& version : other.versions_) Add(version);
}

size_t EntityTimeline::IndexAt(int64_t t_ms) const {
  const auto after = std::upper_bound(
      versions_.begin(), versions_.end(), t_ms,
      [](int64_t t, const EntityVersion& known) { return t < known.valid_from_ms; });
  return after == versions_.begin() ? 0 : static_cast<size_t>(after - versions_.begin()) - 1;
}

}  // namespace leadline::collector::model
