// The series that both our engine and Prometheus' are asked about, the same at every run: counters
// (with resets, gaps and ends), gauges, and classic histograms of which one lacks a bucket.
#pragma once

#include "tests/promql/script.h"

namespace leadline::collector::promqltest {

inline constexpr int kOracleIntervalSeconds = 10;
inline constexpr int kOracleSamples = 200;

LoadCommand OracleSeries();

}  // namespace leadline::collector::promqltest
