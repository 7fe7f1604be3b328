#include "collector/model/histogram_rows.h"

#include <algorithm>

namespace leadline::collector::model {

void RowShape::Range::Cover(const Range& other) {
  if (other.size == 0) return;
  if (size == 0) {
    *this = other;
    return;
  }
  const int64_t end = std::max(int64_t{first} + static_cast<int64_t>(size),
                               int64_t{other.first} + static_cast<int64_t>(other.size));
  first = std::min(first, other.first);
  size = static_cast<size_t>(end - first);
}

std::optional<HistogramRows> Join(absl::Span<const HistogramRows> parts) {
  RowShape shape = parts.front().shape();
  size_t size = 0;
  for (const HistogramRows& part : parts) {
    if (!shape.IsLike(part.shape())) return std::nullopt;
    shape.Cover(part.shape());
    size += part.size();
  }
  if (shape.width() > RowShape::kMaxWidth) return std::nullopt;
  HistogramRows joined(shape, size);
  size_t begin = 0;
  for (const HistogramRows& part : parts) {
    for (size_t i = 0; i < part.size(); ++i) {
      const double* const from = part.Row(i).data();
      double* const to = joined.Row(begin + i).data();
      if (part.shape() != shape) std::fill_n(to, shape.width(), 0);
      ForEachPart(part.shape(), shape, [&](size_t from_cell, size_t to_cell, size_t count) {
        std::copy_n(from + from_cell, count, to + to_cell);
      });
    }
    for (const uint32_t reset : part.said_resets) {
      joined.said_resets.push_back(static_cast<uint32_t>(begin) + reset);
    }
    begin += part.size();
  }
  return joined;
}

}  // namespace leadline::collector::model
