// What has ended, in the order of its end, until it is forgotten.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

namespace leadline {

template <typename K>
class EndedSet {
 public:
  void Add(int64_t end_ms, K key) { ended_.emplace(end_ms, std::move(key)); }
  void Remove(int64_t end_ms, const K& key) { ended_.erase({end_ms, key}); }
  size_t size() const { return ended_.size(); }

  // Takes out what ended before `before_ms`, and beyond `max` what ended first, and hands each to
  // `forget`, which leaves the set alone. Returns how many were beyond.
  template <typename Forget>
  size_t Expire(int64_t before_ms, size_t max, Forget forget) {
    while (!ended_.empty() && ended_.begin()->first < before_ms) forget(TakeFirst());
    size_t beyond = 0;
    for (; ended_.size() > max; ++beyond) forget(TakeFirst());
    return beyond;
  }

 private:
  K TakeFirst() { return std::move(ended_.extract(ended_.begin()).value().second); }

  std::set<std::pair<int64_t, K>> ended_;
};

}  // namespace leadline
