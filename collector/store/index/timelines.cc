#include "collector/store/index/timelines.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/hash/hash.h"
#include "absl/types/span.h"

#include "collector/store/index/label_table.h"
#include "common/mutex.h"

namespace leadline::collector::store::index {
namespace {

// `label_hashes`: as the timeline is told them.
uint64_t HashTimeline(const model::EntityTimeline& timeline,
                      absl::Span<const uint64_t> label_hashes) {
  uint64_t hash = timeline.versions().size();
  for (size_t i = 0; i < timeline.versions().size(); ++i) {
    const model::EntityVersion& version = timeline.versions()[i];
    hash = absl::HashOf(hash, version.id, version.start_ms, version.end_ms, version.valid_from_ms,
                        version.revision, label_hashes[i], HashLabels(version.kubernetes_labels));
  }
  return hash;
}

class TimelineTable {
 public:
  static TimelineTable& Get() {
    static TimelineTable* const table = new TimelineTable;
    return *table;
  }

  // `make` gives a timeline of its own.
  using Make = absl::FunctionRef<model::EntityTimeline()>;
  TimelinePtr Intern(const model::EntityTimeline& timeline, Make make) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::vector<uint64_t> label_hashes;
    label_hashes.reserve(timeline.versions().size());
    for (const model::EntityVersion& version : timeline.versions()) {
      label_hashes.push_back(HashLabels(version.labels));
    }
    const uint64_t hash = HashTimeline(timeline, label_hashes);
    MutexLock lock(mutex_);
    if (known_.size() >= sweep_at_) Sweep();
    std::weak_ptr<const model::EntityTimeline>& known = known_[hash];
    TimelinePtr same = known.lock();
    if (same != nullptr && *same == timeline) return same;
    auto made = std::make_shared<model::EntityTimeline>(make());
    made->SetLabelHashes(std::move(label_hashes));
    // Another one of the same hash stays alone.
    if (same == nullptr) known = made;
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

TimelinePtr Intern(model::EntityTimeline timeline) {
  return TimelineTable::Get().Intern(timeline, [&] { return std::move(timeline); });
}

TimelinePtr Intern(TimelinePtr timeline) {
  return TimelineTable::Get().Intern(*timeline, [&] { return *timeline; });
}

size_t BytesOf(const model::EntityTimeline& timeline) {
  constexpr size_t kAllocationBytes = 16;
  constexpr size_t kInPlaceBytes = 15;  // of a text
  size_t bytes = sizeof(timeline) + 2 * kAllocationBytes;
  for (const model::EntityVersion& version : timeline.versions()) {
    bytes += sizeof(version) + sizeof(uint64_t);
    for (const LabelSet* const labels : {&version.labels, &version.kubernetes_labels}) {
      for (const Label& label : *labels) {
        bytes += sizeof(label);
        for (const std::string* const text : {&label.name, &label.value}) {
          if (text->size() > kInPlaceBytes) bytes += text->size() + kAllocationBytes;
        }
      }
    }
  }
  return bytes;
}

uint64_t HashLabels(const LabelSet& labels) {
  uint64_t hash = 0;
  for (const Label& label : labels) hash += HashLabel({label.name, label.value});
  return hash;
}

}  // namespace leadline::collector::store::index
