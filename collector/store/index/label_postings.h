// Postings by label: for each name its values in order, for each label the ordinals that have it.
//
// Labels' ids are kept by whoever posts them, for as long as the postings. Not synchronized: const
// methods may run together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"

#include "collector/store/index/label_table.h"
#include "collector/store/index/postings.h"
#include "common/string_map.h"

namespace leadline::collector::store::index {

class LabelPostings {
 public:
  // Whether the label was not posted before.
  bool Add(LabelId label, uint32_t ordinal);

  // Null when there is no such label.
  const Postings* Find(std::string_view name, std::string_view value) const;
  bool HasName(std::string_view name) const { return values_.contains(name); }
  // Calls `visit` with the values of the name that begin with `prefix`, ascending, and their
  // postings, until it gives false.
  template <typename Visit>
  void ForEachValue(std::string_view name, std::string_view prefix, Visit visit) const;
  template <typename Visit>
  void ForEachName(Visit visit) const {
    for (const auto& [name, values] : values_) visit(std::string_view(name));
  }

  size_t bytes() const;

 private:
  struct ByValue {
    using is_transparent = void;
    static std::string_view Value(LabelId id) { return LabelTable::Get().View(id).value; }
    static std::string_view Value(std::string_view value) { return value; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Value(a) < Value(b);
    }
  };
  using Values = absl::btree_set<LabelId, ByValue>;

  absl::flat_hash_map<LabelId, Postings> postings_;
  StringMap<Values> values_;  // by name
};

template <typename Visit>
void LabelPostings::ForEachValue(std::string_view name, std::string_view prefix,
                                 Visit visit) const {
  const auto values = values_.find(name);
  if (values == values_.end()) return;
  for (auto it = values->second.lower_bound(prefix); it != values->second.end(); ++it) {
    const std::string_view value = ByValue::Value(*it);
    if (!value.starts_with(prefix)) return;
    if (!visit(value, postings_.find(*it)->second)) return;
  }
}

}  // namespace leadline::collector::store::index
