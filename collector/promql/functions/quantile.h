// Quantiles: of values, of classic buckets, of native histograms; and what else a native histogram
// says.
//
// Source: Prometheus 3's promql/quantile.go. Pure functions.
#pragma once

#include <vector>

#include "absl/types/span.h"

#include "collector/promql/value/histogram.h"

namespace leadline::collector::promql {

// Interpolated between the two nearest; NaN is the least of values. Below 0 it is -Inf, above 1
// +Inf, of nothing NaN. Sorts `values`.
double Quantile(double q, std::vector<double>& values);

struct ClassicBucket {
  double upper_bound = 0;
  double count = 0;  // of all observations up to the bound
};

struct BucketQuantileResult {
  double value = 0;
  bool forced_monotonic = false;  // a count was below the one before it
};

// Changes `buckets`, which come in any order.
BucketQuantileResult BucketQuantile(double q, std::vector<ClassicBucket>& buckets);

double HistogramQuantile(double q, const Histogram& histogram);

// How many observations are up to each of the values, which ascend, interpolated within buckets.
// Never falls as counts in buckets rise.
std::vector<double> CountsUpTo(const Histogram& histogram, absl::Span<const double> values);

using Parameters = absl::Span<const double>;
double HistogramCount(const Histogram& histogram, Parameters);
double HistogramSum(const Histogram& histogram, Parameters);
double HistogramAvg(const Histogram& histogram, Parameters);
double HistogramStddev(const Histogram& histogram, Parameters);
double HistogramStdvar(const Histogram& histogram, Parameters);
double HistogramFraction(const Histogram& histogram, Parameters lower_and_upper);

}  // namespace leadline::collector::promql
