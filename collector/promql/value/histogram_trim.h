// The trimming operators: a histogram without the observations on one side of a limit.
//
// A bucket that the limit is in is split as quantiles are interpolated. Where nothing goes the
// histogram stays as it is; else its sum is estimated anew, from the middles of what is left. Of a
// bucket without an end nothing is known: with a finite limit it stays as a whole or goes as a
// whole. Source: https://prometheus.io/docs/specs/native_histograms/#trim-operators. Pure
// functions.
#pragma once

#include "collector/promql/value/histogram.h"

namespace leadline::collector::promql {

// histogram </ limit
Histogram WithoutAbove(const Histogram& histogram, double limit);
// histogram >/ limit
Histogram WithoutBelow(const Histogram& histogram, double limit);

}  // namespace leadline::collector::promql
