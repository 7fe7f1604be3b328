// How many samples the steps of a query look at, however few of them are read or decoded for it:
// what Prometheus calls queryable samples.
//
// A step looks at what it would if it were an instant query: an instant selector at the newest
// sample of each series, a range at all of a window, a subquery at the steps of its window alone. A
// sample that two steps see counts twice, and a rollup for the samples that it stands for. A native
// histogram counts as the samples that it is as large as.
// Not synchronized. Source: Prometheus' util/stats/query_stats.go and promql/value.go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "collector/promql/exec/series.h"
#include "collector/promql/value/histogram.h"

namespace leadline::collector::promql::exec {

class LookedAt {
 public:
  explicit LookedAt(size_t steps) : steps_(steps) {}

  void Add(size_t step, uint64_t samples) { steps_[step] += samples; }
  void AddToEach(uint64_t samples) {
    for (uint64_t& step : steps_) step += samples;
  }
  // REQUIRES: as many steps.
  void Add(const LookedAt& other) {
    for (size_t step = 0; step < steps_.size(); ++step) steps_[step] += other.steps_[step];
  }
  // What an instant selector found.
  void Add(const StepSeries& series);

  uint64_t total() const;
  const std::vector<uint64_t>& steps() const { return steps_; }

 private:
  std::vector<uint64_t> steps_;
};

// What a histogram counts as, and each of those of the columns, where empty buckets have a place.
uint64_t LookedAtFor(const Histogram& histogram);
uint64_t LookedAtFor(const HistogramColumns& columns);

}  // namespace leadline::collector::promql::exec
