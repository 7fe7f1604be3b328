// What is known about owners: their own owner, or why it cannot be known.
//
// Bounded by `capacity`, the least recently used go first. Times are monotonic nanoseconds.
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "common/string_map.h"
#include "kube/owner_chain.h"

namespace leadline::kube {

struct OwnerEntry {
  std::optional<Owner> parent;
  ChainEnd end = ChainEnd::kTop;  // where there is no parent
};

class OwnerCache {
 public:
  explicit OwnerCache(size_t capacity) : capacity_(capacity) {}

  // nullptr when nothing that holds at `now_ns` is known. Valid until the next Put.
  const OwnerEntry* Get(std::string_view uid, int64_t now_ns);
  void Put(std::string_view uid, OwnerEntry entry, int64_t until_ns);
  size_t size() const { return by_uid_.size(); }

 private:
  struct Node {
    std::string uid;
    OwnerEntry entry;
    int64_t until_ns;
  };

  const size_t capacity_;
  std::list<Node> recent_;  // most recently used first
  StringMap<std::list<Node>::iterator> by_uid_;
};

}  // namespace leadline::kube
