// What is computed of native histograms in rows.
//
// Plain values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"

#include "collector/model/histogram_rows.h"
#include "collector/model/sample.h"
#include "collector/promql/value/histogram.h"
#include "collector/promql/value/histogram_sum.h"

namespace leadline::collector::promql {

using model::HistogramRows;
using model::RowShape;

// nullopt where they have not all the same layout, or are no counters, or would be too wide.
// REQUIRES: no staleness markers.
std::optional<HistogramRows> AsRows(absl::Span<const model::NativeHistogram> histograms);

// The row without empty buckets, as a gauge.
Histogram GaugeAt(const HistogramRows& rows, size_t i);

// The numbers of the rows before which the counter was reset, as WasReset says.
std::vector<uint32_t> FindResets(const HistogramRows& rows);

// Sums of rows, one at each step, kept exact by compensation; those of SumOfHistograms.
class SumsOfRows {
 public:
  explicit SumsOfRows(size_t steps) : has_(steps) {}

  // Whether rows of the shape may be added.
  bool Takes(const RowShape& shape) const;
  // How many cells a sum has once they were. REQUIRES: Takes.
  size_t WidthWith(const RowShape& shape) const { return Wider(shape).width(); }
  // Row `i` to the sum at step `i`, where `has[i]`. REQUIRES: Takes, and one row a step.
  void Add(const HistogramRows& rows, absl::Span<const uint8_t> has);

  bool has(size_t step) const { return has_[step] != 0; }
  // REQUIRES: has(step).
  Histogram value(size_t step) const;
  SumOfHistograms AsSum(size_t step) const;

 private:
  RowShape Wider(const RowShape& shape) const;
  void Widen(const RowShape& shape);

  RowShape shape_;
  bool any_ = false;
  std::vector<uint8_t> has_;
  // By step, then cell.
  std::vector<double> sums_;
  std::vector<double> compensations_;
};

}  // namespace leadline::collector::promql
