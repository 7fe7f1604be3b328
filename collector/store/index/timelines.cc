#include "collector/store/index/timelines.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"

#include "collector/store/index/label_table.h"
#include "common/mutex.h"

namespace leadline::collector::store::index {
namespace {

uint64_t HashTimeline(const model::EntityTimeline& timeline) {
  uint64_t hash = timeline.versions().size();
  for (const model::EntityVersion& version : timeline.versions()) {
    hash = absl::HashOf(hash, version.id, version.start_ms, version.end_ms, version.valid_from_ms,
                        version.revision, HashLabels(version.labels),
                        HashLabels(version.kubernetes_labels));
  }
  return hash;
}

class TimelineTable {
 public:
  static TimelineTable& Get() {
    static TimelineTable* const table = new TimelineTable;
    return *table;
  }

  TimelinePtr Intern(TimelinePtr timeline) ABSL_LOCKS_EXCLUDED(mutex_) {
    const uint64_t hash = HashTimeline(*timeline);
    MutexLock lock(mutex_);
    if (known_.size() >= sweep_at_) Sweep();
    std::weak_ptr<const model::EntityTimeline>& known = known_[hash];
    if (TimelinePtr same = known.lock()) {
      // Another one of the same hash stays alone.
      return *same == *timeline ? same : timeline;
    }
    auto made = std::make_shared<model::EntityTimeline>(*timeline);
    std::vector<uint64_t> hashes;
    for (const model::EntityVersion& version : made->versions()) {
      hashes.push_back(HashLabels(version.labels));
    }
    made->SetLabelHashes(std::move(hashes));
    known = made;
    return made;
  }

 private:
  static constexpr size_t kSweepAt = 1024;

  void Sweep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    absl::erase_if(known_, [](const auto& one) { return one.second.expired(); });
    sweep_at_ = std::max(kSweepAt, 2 * known_.size());
  }

  Mutex mutex_;
  absl::flat_hash_map<uint64_t, std::weak_ptr<const model::EntityTimeline>> known_
      ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = kSweepAt;
};

}  // namespace

TimelinePtr Intern(TimelinePtr timeline) {
  return TimelineTable::Get().Intern(std::move(timeline));
}

uint64_t HashLabels(const LabelSet& labels) {
  uint64_t hash = 0;
  for (const Label& label : labels) hash += HashLabel({label.name, label.value});
  return hash;
}

}  // namespace leadline::collector::store::index
