// A bucket of a native histogram, as wide as its observations are taken to be, and how they are
// taken to be spread over it.
//
// Source: Prometheus 3's promql/quantile.go. Pure functions.
#pragma once

#include "collector/promql/value/histogram.h"

namespace leadline::collector::promql {

struct SpreadBucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
  bool linear = false;  // else as buckets of a finer schema would have them

  // How far into the bucket the value is, from 0 to 1. All observations of a bucket without an end
  // are taken to be at infinity.
  double FractionAt(double value) const;
  // The finite end of a bucket that has one.
  double ValueAt(double fraction) const;
  // Where they are taken to be when they are taken to be at one place.
  double Middle() const;
};

// A bucket around 0 reaches only to 0 on a side where the histogram has no buckets; a custom one,
// on a side where it has no end. `bucket` is one of the histogram's.
SpreadBucket Spread(const Histogram& histogram, const BoundedBucket& bucket);

}  // namespace leadline::collector::promql
