// What the buckets of a classic histogram say.
//
// Source: Prometheus 3's promql/quantile.go. Pure functions.
#pragma once

#include <vector>

namespace leadline::collector::promql {

struct ClassicBucket {
  double upper_bound = 0;
  double count = 0;  // of all observations up to the bound
};

struct BucketQuantileResult {
  double value = 0;
  bool forced_monotonic = false;  // a count was below the one before it
};

// Both change `buckets`, which come in any order, and are NaN where there is no +Inf among them.
BucketQuantileResult BucketQuantile(double q, std::vector<ClassicBucket>& buckets);
double BucketFraction(double lower, double upper, std::vector<ClassicBucket>& buckets);

}  // namespace leadline::collector::promql
