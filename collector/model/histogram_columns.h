// Native histograms of one layout as rows of cells: what is computed of many of them is computed
// cell by cell, and no row allocates.
//
// A row has a cell for every bucket between the lowest and the highest that any of the rows has.
// For counters with exponential buckets; others are for NativeHistogram. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace leadline::collector::model {

// What the cells of a row are.
struct RowShape {
  // The first cells; those of positive buckets follow, then those of negative ones.
  static constexpr size_t kZeroCount = 0;
  static constexpr size_t kCount = 1;
  static constexpr size_t kSum = 2;
  static constexpr size_t kFields = 3;
  // Wider rows would be mostly empty.
  static constexpr size_t kMaxWidth = 1024;

  // Consecutive bucket indices.
  struct Range {
    int32_t first = 0;
    size_t size = 0;

    void Cover(const Range& other);
    bool operator==(const Range&) const = default;
  };

  int32_t schema = 0;
  double zero_threshold = 0;
  Range positive;
  Range negative;

  size_t width() const { return kFields + positive.size + negative.size; }
  // Whether rows of both may be added as they are.
  bool IsLike(const RowShape& other) const {
    return schema == other.schema && zero_threshold == other.zero_threshold;
  }
  // Takes in the buckets of another.
  void Cover(const RowShape& other) {
    positive.Cover(other.positive);
    negative.Cover(other.negative);
  }
  bool operator==(const RowShape&) const = default;
};

// Where the cells of a row of one shape are in rows of a wider one: calls
// move(from cell, to cell, count).
template <typename Move>
void ForEachPart(const RowShape& from, const RowShape& to, Move move) {
  move(0, 0, RowShape::kFields);
  const auto offset = [](const RowShape::Range& narrow, const RowShape::Range& wide) {
    return static_cast<size_t>(int64_t{narrow.first} - wide.first);
  };
  if (from.positive.size > 0) {
    move(RowShape::kFields, RowShape::kFields + offset(from.positive, to.positive),
         from.positive.size);
  }
  if (from.negative.size > 0) {
    move(RowShape::kFields + from.positive.size,
         RowShape::kFields + to.positive.size + offset(from.negative, to.negative),
         from.negative.size);
  }
}

class HistogramRows {
 public:
  HistogramRows() = default;
  // Rows of any content.
  HistogramRows(const RowShape& shape, size_t rows)
      : shape_(shape),
        width_(shape.width()),
        size_(rows),
        cells_(std::make_unique_for_overwrite<double[]>(rows * shape.width())) {}

  const RowShape& shape() const { return shape_; }
  size_t size() const { return size_; }
  absl::Span<double> Row(size_t i) { return {cells_.get() + i * width_, width_}; }
  absl::Span<const double> Row(size_t i) const { return {cells_.get() + i * width_, width_}; }

  // The numbers of those that are said to be the first after a reset.
  std::vector<uint32_t> said_resets;

 private:
  RowShape shape_;
  size_t width_ = 0;
  size_t size_ = 0;
  std::unique_ptr<double[]> cells_;
};

// The rows of all parts, in their order. nullopt where they are not of one layout, or would be too
// wide together. REQUIRES: there is a part.
std::optional<HistogramRows> Join(absl::Span<const HistogramRows> parts);

}  // namespace leadline::collector::model
