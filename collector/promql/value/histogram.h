// Native histograms as the query engine computes with them: counts are floats.
//
// REQUIRES everywhere: schemas of kMinSchema to kMaxSchema, which whoever takes histograms in
// checks. Buckets are sparse and in ascending order of index; see model::NativeHistogram for their
// bounds. Source: Prometheus' model/histogram/float_histogram.go and the native histogram
// specification (https://prometheus.io/docs/specs/native_histograms/). Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collector/model/sample.h"

namespace leadline::collector::promql {

inline constexpr int32_t kMinSchema = -4;
inline constexpr int32_t kMaxSchema = 8;

struct Histogram {
  struct Bucket {
    int32_t index = 0;
    double count = 0;
    bool operator==(const Bucket&) const = default;
  };

  int32_t schema = 0;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<Bucket> positive;
  std::vector<Bucket> negative;

  static Histogram From(const model::NativeHistogram& from);

  void Scale(double factor);
  // By 0 it leaves no buckets but the zero bucket, as in Prometheus.
  void Divide(double divisor);
  // Adds `factor` times the other one, at the coarser schema and wider zero bucket of the two.
  void Add(const Histogram& other, double factor = 1);
  // Drops buckets whose count is 0.
  void Compact();

  bool operator==(const Histogram&) const = default;
};

// As Prometheus shows it: {count:3, sum:4, (1,2]:3}.
std::string ToString(const Histogram& histogram);

// The bucket's upper bound; its lower bound is that of index - 1.
double BucketUpperBound(int32_t schema, int32_t index);

// Whether a counter histogram was reset between the two.
bool WasReset(const Histogram& previous, const Histogram& current);

// Whether it is a staleness marker.
inline bool IsStale(const model::NativeHistogram& histogram) {
  return model::IsStaleNan(histogram.sum);
}

}  // namespace leadline::collector::promql
