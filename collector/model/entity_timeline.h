// The versions of one entity in time, after the rule of entity.h has been applied.
//
// A plain value; not synchronized. Immutable snapshots of it are shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "collector/model/entity.h"

namespace leadline::collector::model {

class EntityTimeline {
 public:
  // Versions may come in any order; the result is the same, except that of versions with equal
  // valid_from_ms and revision the one added last counts. False when `version` changed nothing.
  bool Add(const EntityVersion& version);
  // Takes in what a writer says last of the entity. As Add, but a version that has the newest one's
  // labels and begins no later only says that they still hold: an agent that was started again does
  // not know the earlier ones, which stay.
  bool Append(EntityVersion version);
  void Merge(const EntityTimeline& other);

  bool empty() const { return versions_.empty(); }
  // By valid_from_ms, ascending; each is in force until the next begins, the first also before.
  const std::vector<EntityVersion>& versions() const { return versions_; }
  // The version in force at t. REQUIRES: !empty().
  const EntityVersion& At(int64_t t_ms) const { return versions_[IndexAt(t_ms)]; }
  size_t IndexAt(int64_t t_ms) const;

  // The life of the entity as its newest revision knows it. REQUIRES: !empty().
  int64_t start_ms() const { return Newest().start_ms; }
  int64_t end_ms() const { return Newest().end_ms; }
  bool LivedAt(int64_t t_ms) const { return start_ms() <= t_ms && t_ms <= end_ms(); }
  // Calls `visit` with the versions in force between the two, inclusive, until it gives true, and
  // says whether it did; with none when the entity had ended before.
  template <typename Visit>
  bool AnyInForce(int64_t start_ms, int64_t end_ms, Visit visit) const {
    if (Newest().end_ms < start_ms) return false;
    const size_t last = IndexAt(end_ms);
    for (size_t i = IndexAt(start_ms); i <= last; ++i) {
      if (visit(versions_[i])) return true;
    }
    return false;
  }

  // Of each version's labels (not those of Kubernetes) a number that is the same for equal ones, as
  // whoever made the timeline told; empty where nobody did, or something was added since.
  const std::vector<uint64_t>& label_hashes() const { return label_hashes_; }
  void SetLabelHashes(std::vector<uint64_t> hashes) { label_hashes_ = std::move(hashes); }

  bool operator==(const EntityTimeline& other) const { return versions_ == other.versions_; }

 private:
  // Versions in force have ascending revisions, so the last one is the newest.
  const EntityVersion& Newest() const { return versions_.back(); }

  std::vector<EntityVersion> versions_;
  std::vector<uint64_t> label_hashes_;
};

}  // namespace leadline::collector::model
