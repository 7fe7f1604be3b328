// Quantiles of values and of native histograms, and what else a native histogram says.
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

double HistogramQuantile(double q, const Histogram& histogram);

// The part of the observations that is between the two, NaN of none.
double HistogramFraction(double lower, double upper, const Histogram& histogram);

// Whether there are observations of NaN, which are counted but in no bucket.
bool HasNanObservations(const Histogram& histogram);

// How many observations are up to each of the values, which ascend, interpolated within buckets.
// Never falls as counts in buckets rise.
std::vector<double> CountsUpTo(const Histogram& histogram, absl::Span<const double> values);

using Parameters = absl::Span<const double>;
double HistogramCount(const Histogram& histogram, Parameters);
double HistogramSum(const Histogram& histogram, Parameters);
double HistogramAvg(const Histogram& histogram, Parameters);
double HistogramStddev(const Histogram& histogram, Parameters);
double HistogramStdvar(const Histogram& histogram, Parameters);

}  // namespace leadline::collector::promql
