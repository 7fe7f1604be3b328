// Native histograms as the query engine computes with them: counts are floats.
//
// REQUIRES everywhere: a known schema, which whoever takes histograms in checks. Buckets are sparse
// and in ascending order of index; see model::NativeHistogram for their bounds. Source: Prometheus'
// model/histogram/float_histogram.go and the native histogram specification
// (https://prometheus.io/docs/specs/native_histograms/). Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"

#include "collector/model/sample.h"

namespace leadline::collector::promql {

inline constexpr int32_t kMinSchema = -4;
inline constexpr int32_t kMaxSchema = 8;
inline bool IsKnownSchema(int32_t schema) {
  return (schema >= kMinSchema && schema <= kMaxSchema) || schema == model::kCustomBuckets;
}

// What came of adding two histograms.
struct AddOutcome {
  bool compatible = true;          // else nothing was added: one had custom buckets, one had not
  bool bounds_reconciled = false;  // custom bounds differed; those that both had are left
  bool resets_conflict = false;    // one was said to be reset, the other not to be
};

struct Histogram {
  struct Bucket {
    int32_t index = 0;
    double count = 0;
    bool operator==(const Bucket&) const = default;
  };

  int32_t schema = 0;
  model::ResetHint reset_hint = model::ResetHint::kUnknown;
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<Bucket> positive;
  std::vector<Bucket> negative;
  std::vector<double> custom_bounds;

  static Histogram From(const model::NativeHistogram& from);
  // With float counts, and without its empty buckets.
  model::NativeHistogram ToModel() const;

  bool uses_custom_buckets() const { return schema == model::kCustomBuckets; }
  bool is_gauge() const { return reset_hint == model::ResetHint::kGauge; }

  // What was multiplied with or divided by a negative number is a gauge.
  void Scale(double factor);
  // By 0 it leaves no buckets but the zero bucket, as in Prometheus.
  void Divide(double divisor);
  // Adds `factor` times the other one, at the coarser schema and wider zero bucket of the two, or
  // with the custom bounds that both have.
  AddOutcome Add(const Histogram& other, double factor = 1);
  // Drops buckets whose count is 0.
  void Compact();

  // Whether they count the same; what they say of resets makes no difference, and NaN is NaN.
  bool operator==(const Histogram& other) const;
};

// A bucket with its bounds, and which of them belong to it.
struct BoundedBucket {
  double lower = 0;
  double upper = 0;
  bool has_lower = false;
  bool has_upper = false;
  double count = 0;
};

// Buckets from the lowest to the highest by place: the negative ones, the zero bucket, which has a
// place whether it is there or not, and the positive ones; custom ones are positive. What is in
// them is had without bounds, which take longer.
size_t PlaceCount(const Histogram& histogram);
double CountAt(const Histogram& histogram, size_t place);
BoundedBucket BucketAt(const Histogram& histogram, size_t place);

// From the lowest bucket to the highest, those that are empty included if they are there.
void ForEachBucket(const Histogram& histogram,
                   absl::FunctionRef<void(const BoundedBucket& bucket)> use);

// As Prometheus shows it: {count:3, sum:4, (1,2]:3}.
std::string ToString(const Histogram& histogram);

// The upper bound of an exponential bucket; its lower bound is that of index - 1.
double BucketUpperBound(int32_t schema, int32_t index);

// Whether a counter histogram was reset between the two. A writer's word that it was counts, its
// word that it was not does not: samples between the two may be missing.
bool WasReset(const Histogram& previous, const Histogram& current);

// Whether it is a staleness marker.
inline bool IsStale(const model::NativeHistogram& histogram) {
  return model::IsStaleNan(histogram.sum);
}

}  // namespace leadline::collector::promql
