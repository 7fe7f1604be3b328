// The numbers of the labels that a record of series names, each looked up once: texts that are
// equal are the same memory there, as the record names them by number.
//
// Not synchronized. Valid for one record at a time.
#pragma once

#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"

#include "collector/store/index/label_table.h"

namespace leadline::collector::store::engine {

class RecordLabels {
 public:
  RecordLabels() = default;
  ~RecordLabels() { Clear(); }
  RecordLabels(const RecordLabels&) = delete;
  RecordLabels& operator=(const RecordLabels&) = delete;

  // Referred to until Clear.
  index::LabelId Find(std::string_view name, std::string_view value) {
    const auto [it, is_new] = ids_.try_emplace({name.data(), value.data()});
    if (is_new) it->second = index::LabelTable::Get().Acquire({name, value});
    return it->second;
  }

  // Behind a record.
  void Clear() {
    for (const auto& [texts, id] : ids_) index::LabelTable::Get().Release(id);
    ids_.clear();
  }

 private:
  absl::flat_hash_map<std::pair<const char*, const char*>, index::LabelId> ids_;
};

}  // namespace leadline::collector::store::engine
