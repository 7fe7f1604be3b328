// What the handles of a run of the program are in this one: a table by shard and slot, since slots
// are given out in order. Handles that no program gives out are kept in a map, so that a bad record
// does not cost memory. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "collector/store/head/head.h"
#include "collector/store/store.h"

namespace leadline::collector::store::engine {

class HandleMap {
 public:
  static constexpr SeriesHandle kNone = UINT64_MAX;

  void Clear() {
    tables_.clear();
    others_.clear();
  }

  void Set(SeriesHandle from, SeriesHandle to) {
    const size_t shard = head::Head::ShardOf(from);
    const size_t slot = head::Head::SlotOf(from);
    if (shard < kMaxShards) {
      if (shard >= tables_.size()) tables_.resize(shard + 1);
      std::vector<SeriesHandle>& table = tables_[shard];
      if (slot < 2 * table.size() + kStep) {
        if (slot >= table.size()) table.resize(slot + 1, kNone);
        table[slot] = to;
        return;
      }
    }
    others_[from] = to;
  }

  // kNone when there is none.
  SeriesHandle Get(SeriesHandle from) const {
    const size_t shard = head::Head::ShardOf(from);
    const size_t slot = head::Head::SlotOf(from);
    if (shard < tables_.size() && slot < tables_[shard].size() && tables_[shard][slot] != kNone) {
      return tables_[shard][slot];
    }
    const auto it = others_.find(from);
    return it == others_.end() ? kNone : it->second;
  }

 private:
  static constexpr size_t kMaxShards = 256;
  static constexpr size_t kStep = 1 << 20;

  std::vector<std::vector<SeriesHandle>> tables_;
  absl::flat_hash_map<SeriesHandle, SeriesHandle> others_;
};

}  // namespace leadline::collector::store::engine
