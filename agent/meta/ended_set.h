// What has ended, in the order of its end, until it is forgotten.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

namespace leadline::agent::meta {

template <typename K>
class EndedSet {
 public:
  void Add(int64_t end_ms, K key) { ended_.emplace(end_ms, std::move(key)); }
  void Remove(int64_t end_ms, const K& key) { ended_.erase({end_ms, key}); }
  size_t size() const { return ended_.size(); }

  // Takes out the one that ended first, if it ended before `before_ms`.
  std::optional<K> TakeBefore(int64_t before_ms) {
    if (ended_.empty() || ended_.begin()->first >= before_ms) return std::nullopt;
    return std::move(ended_.extract(ended_.begin()).value().second);
  }

 private:
  std::set<std::pair<int64_t, K>> ended_;
};

}  // namespace leadline::agent::meta
