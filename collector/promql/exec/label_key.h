// Label sets as keys, looked up by a projection of another set without copying its strings.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"

#include "common/labels.h"

namespace leadline::collector::promql::exec {

// Names and values in order of names; views of somebody's labels.
using LabelView = absl::InlinedVector<std::pair<std::string_view, std::string_view>, 12>;

struct LabelKeyHash {
  using is_transparent = void;
  size_t operator()(const LabelSet& labels) const { return Hash(labels); }
  size_t operator()(const LabelView& labels) const { return Hash(labels); }

 private:
  template <typename Labels>
  static size_t Hash(const Labels& labels) {
    size_t hash = labels.size();
    for (const auto& [name, value] : labels) {
      hash = absl::HashOf(hash, std::string_view(name), std::string_view(value));
    }
    return hash;
  }
};

struct LabelKeyEqual {
  using is_transparent = void;
  bool operator()(const LabelSet& a, const LabelSet& b) const { return a == b; }
  bool operator()(const LabelSet& a, const LabelView& b) const {
    if (a.size() != b.size()) return false;
    auto other = b.begin();
    for (const Label& label : a) {
      if (label.name != other->first || label.value != other->second) return false;
      ++other;
    }
    return true;
  }
  bool operator()(const LabelView& a, const LabelSet& b) const { return (*this)(b, a); }
};

template <typename V>
using LabelKeyMap = absl::flat_hash_map<LabelSet, V, LabelKeyHash, LabelKeyEqual>;

}  // namespace leadline::collector::promql::exec
