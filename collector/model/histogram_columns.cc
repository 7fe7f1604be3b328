#include "collector/model/histogram_columns.h"

#include <algorithm>
#include <utility>

namespace leadline::collector::model {

HistogramColumns::HistogramColumns(const BucketLayout& layout, size_t size, size_t buckets)
    : layout_(layout), size_(size) {
  buckets_.reserve(buckets);
  slots_.reserve(buckets);
  MakeRoom(kFields + buckets);
}

absl::Span<double> HistogramColumns::ColumnOf(const BucketId& bucket, size_t& near, size_t begin,
                                              size_t end) {
  while (near < buckets_.size() && buckets_[near] < bucket) ++near;
  if (near < buckets_.size() && buckets_[near] == bucket) return Column(kFields + near);
  if (buckets_.size() == kMaxBuckets) return {};
  const size_t slot = width();
  if (slot == room_) MakeRoom(slot + slot / 2);
  buckets_.insert(buckets_.begin() + static_cast<ptrdiff_t>(near), bucket);
  slots_.insert(slots_.begin() + static_cast<ptrdiff_t>(near), static_cast<uint32_t>(slot));
  std::fill(At(slot), At(slot) + begin, 0);
  std::fill(At(slot) + end, At(slot) + size_, 0);
  return {At(slot), size_};
}

void HistogramColumns::MakeRoom(size_t columns) {
  auto cells = std::make_unique_for_overwrite<double[]>(columns * size_);
  if (room_ > 0) std::copy_n(cells_.get(), width() * size_, cells.get());
  cells_ = std::move(cells);
  room_ = columns;
}

}  // namespace leadline::collector::model
