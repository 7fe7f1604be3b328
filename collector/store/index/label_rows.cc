#include "collector/store/index/label_rows.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace leadline::collector::store::index {

bool LabelRows::HasShape(absl::Span<const LabelId> labels, uint32_t shape) const {
  const LabelTable& table = LabelTable::Get();
  return std::equal(
      labels.begin(), labels.end(), shapes_[shape].begin(), shapes_[shape].end(),
      [&](LabelId id, const std::string& name) { return table.View(id).name == name; });
}

uint32_t LabelRows::ShapeOf(absl::Span<const LabelId> labels) {
  const LabelTable& table = LabelTable::Get();
  uint64_t hash = 0;
  for (const LabelId id : labels) hash = absl::HashOf(hash, table.View(id).name);
  for (;; ++hash) {
    const auto [it, is_new] = by_hash_.try_emplace(hash, static_cast<uint32_t>(shapes_.size()));
    if (is_new) {
      std::vector<std::string>& names = shapes_.emplace_back();
      for (const LabelId id : labels) names.emplace_back(table.View(id).name);
      return it->second;
    }
    if (HasShape(labels, it->second)) return it->second;
  }
}

LabelRows::Row LabelRows::Add(absl::Span<const LabelId> labels) {
  if (labels.empty()) return {};
  // Mostly it is that of the row before.
  if (!HasShape(labels, last_)) last_ = ShapeOf(labels);
  const Row row{last_, static_cast<uint32_t>(ids_.size())};
  ids_.insert(ids_.end(), labels.begin(), labels.end());
  return row;
}

}  // namespace leadline::collector::store::index
