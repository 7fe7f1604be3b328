// The value of a series at one step: a float, a native histogram, or nothing.
#pragma once

#include <memory>
#include <utility>

#include "collector/model/sample.h"
#include "collector/promql/value/histogram.h"

namespace leadline::collector::promql {

// Nothing, among floats: the bits of the staleness marker, which is never a result.
inline double AbsentValue() { return model::StaleNan(); }
inline bool IsAbsent(double value) { return model::IsStaleNan(value); }

struct Sample {
  double value = AbsentValue();
  std::shared_ptr<const Histogram> histogram;
};

// Without its empty buckets.
inline Sample CompactSample(Histogram histogram) {
  histogram.Compact();
  return {.value = AbsentValue(),
          .histogram = std::make_shared<const Histogram>(std::move(histogram))};
}

}  // namespace leadline::collector::promql
