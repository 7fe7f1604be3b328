// What is computed of native histograms in columns.
//
// Plain values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/types/span.h"

#include "collector/model/histogram_columns.h"
#include "collector/model/sample.h"
#include "collector/promql/value/histogram.h"
#include "collector/promql/value/histogram_sum.h"

namespace leadline::collector::promql {

using model::HistogramColumns;

// nullopt where they have not all the same layout, or are no counters, or have too many buckets.
// REQUIRES: no staleness markers.
std::optional<HistogramColumns> AsColumns(absl::Span<const model::NativeHistogram> histograms);

// Histogram `i` without empty buckets, as a gauge.
Histogram GaugeAt(const HistogramColumns& columns, size_t i);

// The numbers of the histograms before which the counter was reset, as WasReset says.
std::vector<uint32_t> FindResets(const HistogramColumns& columns);

// Sums of histograms, one at each step, kept exact by compensation; those of SumOfHistograms.
class SumsOfColumns {
 public:
  explicit SumsOfColumns(size_t steps) : has_(steps) {}

  // Whether what is in such columns may be added.
  bool Takes(const HistogramColumns& columns) const;
  // How many columns there are once they were. REQUIRES: Takes.
  size_t WidthWith(const HistogramColumns& columns) const;
  // Histogram `i` to the sum at step `i`, where `has[i]`; where not, it is all zeros.
  // REQUIRES: Takes, and one histogram a step.
  void Add(const HistogramColumns& columns, absl::Span<const uint8_t> has);

  bool has(size_t step) const { return has_[step] != 0; }
  // REQUIRES: has(step).
  Histogram value(size_t step) const;
  SumOfHistograms AsSum(size_t step) const;

 private:
  // Of one column at all steps: the sums, then what they lack.
  using Sums = std::unique_ptr<double[]>;

  size_t width() const { return sums_.size(); }
  Sums NoSums() const { return std::make_unique<double[]>(2 * has_.size()); }
  KahanSum At(size_t column, size_t step) const {
    return {.sum = sums_[column][step], .compensation = sums_[column][has_.size() + step]};
  }

  std::vector<uint8_t> has_;
  model::BucketLayout layout_;
  std::vector<model::BucketId> buckets_;  // ascending
  std::vector<Sums> sums_;  // of the fields, then of each bucket; empty until there are
};

}  // namespace leadline::collector::promql
