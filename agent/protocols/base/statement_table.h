// A connection's prepared statements: which text a name or number stands for. Bounded; one of the
// old ones goes when there are too many. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "agent/protocols/base/text_table.h"

namespace leadline::agent::protocols::base {

class StatementTable {
 public:
  void Put(uint64_t key, TextRef text, size_t most) {
    if (texts_.size() >= most && !texts_.contains(key)) texts_.erase(texts_.begin());
    texts_[key] = std::move(text);
  }
  // No reference when it is not known.
  TextRef Get(uint64_t key) const {
    const auto found = texts_.find(key);
    return found == texts_.end() ? TextRef() : found->second.Copy();
  }
  void Drop(uint64_t key) { texts_.erase(key); }
  void Clear() { texts_.clear(); }
  size_t memory_bytes() const {
    return texts_.capacity() * (sizeof(uint64_t) + sizeof(TextRef) + 1);
  }

 private:
  absl::flat_hash_map<uint64_t, TextRef> texts_;
};

}  // namespace leadline::agent::protocols::base
