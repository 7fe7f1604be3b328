// One series with its values at every step of the query: what operators hand to each other.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

#include "collector/promql/functions/histogram_sliding.h"
#include "collector/promql/value/sample.h"
#include "common/labels.h"

namespace leadline::collector::promql::exec {

struct StepSeries {
  std::shared_ptr<const LabelSet> labels;
  bool name_dropped = false;   // __name__, if among the labels, goes at the end of the query
  std::vector<double> values;  // one a step; AbsentValue() where there is none or a histogram
  std::vector<std::shared_ptr<const Histogram>> histograms;  // empty, or one a step, mostly nullptr
  // Histograms too, where the plan says that they are summed; nullptr: none. Instead of the others,
  // so whoever is not a sum never sees them.
  std::shared_ptr<const WindowColumns> columns;

  explicit StepSeries(size_t steps) : values(steps, AbsentValue()) {}

  const Histogram* histogram(size_t step) const {
    return histograms.empty() ? nullptr : histograms[step].get();
  }
  bool has(size_t step) const { return !IsAbsent(values[step]) || histogram(step) != nullptr; }
  bool HasAny() const;
  Sample sample(size_t step) const {
    return {values[step], histograms.empty() ? nullptr : histograms[step]};
  }
  // REQUIRES: there is a histogram.
  Sample TakeHistogram(size_t step) {
    return {AbsentValue(), std::exchange(histograms[step], nullptr)};
  }
  // Leaves nothing at the step.
  void Clear(size_t step);
  void Set(size_t step, Sample sample);
  void SetHistogram(size_t step, std::shared_ptr<const Histogram> histogram);
  // What it counts as in the budget: a histogram counts as what it takes.
  uint64_t sample_count() const;
  // How many more it counts as once it has the histogram at the step.
  uint64_t samples_to_set(const Histogram& histogram, size_t step) const;
  // What it takes beside its samples, its labels as if nobody shared them.
  uint64_t other_bytes() const;
  LabelSet VisibleLabels() const;
};

// What a label set takes, about.
uint64_t BytesOf(const LabelSet& labels);

// What histograms count as in the budget, each once in a row.
uint64_t SampleCount(const Histogram& histogram);
uint64_t SampleCount(const std::vector<std::shared_ptr<const Histogram>>& histograms);
uint64_t SampleCount(const HistogramColumns& columns);

// Operators give their series one at a time to whoever asked, so that a sum over any number of
// series holds one of them and its groups.
using Emit = absl::FunctionRef<absl::Status(StepSeries)>;

}  // namespace leadline::collector::promql::exec
