// Native histograms of one layout as columns of cells: what is computed of many of them is computed
// column by column.
//
// A column for each of their counts and their sum, and one for each bucket that any of them has.
// For counters with exponential buckets; others are for NativeHistogram. Plain values; moved, not
// copied.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"

namespace leadline::collector::model {

// What histograms have in common whose buckets mean the same.
struct BucketLayout {
  int32_t schema = 0;
  double zero_threshold = 0;

  bool operator==(const BucketLayout&) const = default;
};

// Positive ones come before negative ones.
struct BucketId {
  bool is_negative = false;
  int32_t index = 0;

  auto operator<=>(const BucketId&) const = default;
};

class HistogramColumns {
 public:
  // The columns before those of the buckets.
  static constexpr size_t kZeroCount = 0;
  static constexpr size_t kCount = 1;
  static constexpr size_t kSum = 2;
  static constexpr size_t kFields = 3;
  // More would be mostly empty.
  static constexpr size_t kMaxBuckets = 1024;

  HistogramColumns() = default;
  // Of so many histograms, with room for so many buckets: no buckets yet, and fields of any
  // content.
  HistogramColumns(const BucketLayout& layout, size_t size, size_t buckets);

  const BucketLayout& layout() const { return layout_; }
  size_t size() const { return size_; }
  size_t width() const { return kFields + buckets_.size(); }
  // Ascending; column kFields + i is that of buckets()[i].
  absl::Span<const BucketId> buckets() const { return buckets_; }

  // A cell for each histogram. Valid until a bucket is added.
  absl::Span<double> Column(size_t i) { return {At(SlotOf(i)), size_}; }
  absl::Span<const double> Column(size_t i) const { return {At(SlotOf(i)), size_}; }

  // The column of the bucket, which is made where there is none: of zeros, but for the histograms
  // [begin, end), which are any. Empty where there would be too many. `near`: the number of a
  // bucket at or before it, and then its own.
  absl::Span<double> ColumnOf(const BucketId& bucket, size_t& near, size_t begin = 0,
                              size_t end = 0);

  // The numbers of histograms that are said to be the first after a reset, ascending.
  std::vector<uint32_t> said_resets;

 private:
  size_t SlotOf(size_t column) const {
    return column < kFields ? column : slots_[column - kFields];
  }
  double* At(size_t slot) const { return cells_.get() + slot * size_; }
  void MakeRoom(size_t columns);

  BucketLayout layout_;
  size_t size_ = 0;
  size_t room_ = 0;  // columns
  std::vector<BucketId> buckets_;
  std::vector<uint32_t> slots_;  // where the column of each bucket is: they lie as they were made
  std::unique_ptr<double[]> cells_;
};

}  // namespace leadline::collector::model
