// Label sets as rows of ids, one after the other, so that a query reads many of them from front to
// end. Rows whose labels have the same names have one shape: where in them a name stands is looked
// up once.
//
// Does not keep the ids: they are of use as long as somebody refers to them. Immutable once it is
// filled, and then of any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

#include "collector/store/index/label_table.h"

namespace leadline::collector::store::index {

class LabelRows {
 public:
  struct Row {
    uint32_t shape = 0;
    uint32_t first = 0;  // of its ids
  };

  // REQUIRES: `labels` ascend by name, each once.
  Row Add(absl::Span<const LabelId> labels);

  absl::Span<const LabelId> IdsOf(const Row& row) const {
    return absl::MakeConstSpan(ids_).subspan(row.first, shapes_[row.shape].size());
  }
  // Ascending.
  const std::vector<std::string>& NamesOf(uint32_t shape) const { return shapes_[shape]; }
  const std::vector<LabelId>& ids() const { return ids_; }
  size_t bytes() const { return ids_.capacity() * sizeof(LabelId); }

 private:
  bool HasShape(absl::Span<const LabelId> labels, uint32_t shape) const;
  uint32_t ShapeOf(absl::Span<const LabelId> labels);

  std::vector<LabelId> ids_;
  std::vector<std::vector<std::string>> shapes_ = {{}};  // by number; the first has no labels
  absl::flat_hash_map<uint64_t, uint32_t> by_hash_;      // of the names, or the next that is free
  uint32_t last_ = 0;
};

}  // namespace leadline::collector::store::index
