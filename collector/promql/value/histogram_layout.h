// How histograms of different layouts (schema, zero bucket, custom bounds) come to have one.
//
// Templates over what counts: Histogram has doubles, SumOfHistograms has sums with compensation.
// Internal to the value library. Source: Prometheus' model/histogram/float_histogram.go.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "collector/promql/value/histogram.h"
#include "collector/promql/value/running.h"

namespace leadline::collector::promql::layout {

inline void Increase(double& to, double by) { to += by; }
inline void Increase(KahanSum& to, double by) { to.Add(by); }
inline void Increase(KahanSum& to, const KahanSum& by) {
  to.Add(by.sum);
  to.compensation += by.compensation;
}

// Gives every bucket the index that `index_of` gives for its own and adds up those that become one.
// REQUIRES: `index_of` never falls.
template <typename Buckets, typename IndexOf>
void Reindex(Buckets& buckets, IndexOf index_of) {
  size_t kept = 0;
  for (auto& bucket : buckets) {
    const int32_t index = index_of(bucket.index);
    if (kept > 0 && buckets[kept - 1].index == index) {
      Increase(buckets[kept - 1].count, bucket.count);
    } else {
      buckets[kept] = bucket;
      buckets[kept++].index = index;
    }
  }
  buckets.resize(kept);
}

// REQUIRES: exponential buckets, of no coarser schema.
template <typename H>
void Coarsen(H& histogram, int32_t schema) {
  const int32_t levels = histogram.schema - schema;
  if (levels == 0) return;
  const auto index_of = [levels](int32_t index) { return ((index - 1) >> levels) + 1; };
  Reindex(histogram.positive, index_of);
  Reindex(histogram.negative, index_of);
  histogram.schema = schema;
}

// Widens the zero bucket to `threshold`, or further, to the end of the bucket that it falls into.
template <typename H>
void WidenZeroBucket(H& histogram, double threshold) {
  for (const auto* buckets : {&histogram.positive, &histogram.negative}) {
    for (const auto& bucket : *buckets) {
      if (BucketUpperBound(histogram.schema, bucket.index - 1) >= threshold) break;
      threshold = std::max(threshold, BucketUpperBound(histogram.schema, bucket.index));
    }
  }
  for (auto* buckets : {&histogram.positive, &histogram.negative}) {
    std::erase_if(*buckets, [&](const auto& bucket) {
      const bool within = BucketUpperBound(histogram.schema, bucket.index) <= threshold;
      if (within) Increase(histogram.zero_count, bucket.count);
      return within;
    });
  }
  histogram.zero_threshold = threshold;
}

// Those that are in both.
inline std::vector<double> CommonBounds(const std::vector<double>& a,
                                        const std::vector<double>& b) {
  std::vector<double> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return common;
}

// REQUIRES: custom buckets; `bounds` are some of their bounds.
template <typename H>
void KeepBounds(H& histogram, const std::vector<double>& bounds) {
  if (histogram.custom_bounds.size() == bounds.size()) return;
  const std::vector<double>& before = histogram.custom_bounds;
  Reindex(histogram.positive, [&](int32_t index) {
    const auto at = static_cast<size_t>(index);
    if (at >= before.size()) return static_cast<int32_t>(bounds.size());
    const auto bound = std::lower_bound(bounds.begin(), bounds.end(), before[at]);
    return static_cast<int32_t>(bound - bounds.begin());
  });
  histogram.custom_bounds = bounds;
}

// Brings both to the finest layout that both can have. REQUIRES: both exponential or both custom.
template <typename A, typename B>
void Align(A& a, B& b) {
  if (a.schema == model::kCustomBuckets) {
    const std::vector<double> common = CommonBounds(a.custom_bounds, b.custom_bounds);
    KeepBounds(a, common);
    KeepBounds(b, common);
    return;
  }
  // Once to bring the narrower zero bucket to the wider, which may end in a bucket and so become
  // wider still, once to bring the other one there, where it may end in one of its wider buckets,
  // and once more: that bucket's end is one of both schemas.
  for (int i = 0; i < 3 && a.zero_threshold != b.zero_threshold; ++i) {
    const double wider = std::max(a.zero_threshold, b.zero_threshold);
    if (a.zero_threshold < b.zero_threshold) {
      WidenZeroBucket(a, wider);
    } else {
      WidenZeroBucket(b, wider);
    }
  }
  const int32_t coarser = std::min(a.schema, b.schema);
  Coarsen(a, coarser);
  Coarsen(b, coarser);
}

// REQUIRES: the same layout.
template <typename Buckets>
void AddBuckets(Buckets& to, const std::vector<Histogram::Bucket>& from, double factor) {
  Buckets merged;
  merged.reserve(std::max(to.size(), from.size()));
  auto a = to.begin();
  auto b = from.begin();
  while (a != to.end() || b != from.end()) {
    if (b == from.end() || (a != to.end() && a->index < b->index)) {
      merged.push_back(*a++);
      continue;
    }
    if (a != to.end() && a->index == b->index) {
      merged.push_back(*a++);
    } else {
      merged.push_back({b->index, {}});
    }
    Increase(merged.back().count, factor * b->count);
    ++b;
  }
  to = std::move(merged);
}

// REQUIRES: the same layout.
template <typename H>
void AddAligned(H& to, const Histogram& from, double factor) {
  Increase(to.zero_count, factor * from.zero_count);
  Increase(to.count, factor * from.count);
  Increase(to.sum, factor * from.sum);
  AddBuckets(to.positive, from.positive, factor);
  AddBuckets(to.negative, from.negative, factor);
}

template <typename A, typename B>
bool HaveOneLayout(const A& a, const B& b) {
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
         a.custom_bounds == b.custom_bounds;
}

// What the sum of two is: a gauge where one is, else unknown where they differ.
inline model::ResetHint HintOfBoth(model::ResetHint a, model::ResetHint b, bool& conflict) {
  using model::ResetHint;
  if (a == b) return a;
  if (a == ResetHint::kGauge || b == ResetHint::kGauge) return ResetHint::kGauge;
  conflict = a != ResetHint::kUnknown && b != ResetHint::kUnknown;
  return ResetHint::kUnknown;
}

// As Histogram::Add.
template <typename H>
AddOutcome Add(H& to, const Histogram& other, double factor) {
  AddOutcome outcome;
  if ((to.schema == model::kCustomBuckets) != other.uses_custom_buckets()) {
    outcome.compatible = false;
    return outcome;
  }
  to.reset_hint = HintOfBoth(to.reset_hint, other.reset_hint, outcome.resets_conflict);
  if (HaveOneLayout(to, other)) {
    AddAligned(to, other, factor);
    return outcome;
  }
  outcome.bounds_reconciled = other.uses_custom_buckets();
  Histogram aligned = other;
  Align(to, aligned);
  AddAligned(to, aligned, factor);
  return outcome;
}

}  // namespace leadline::collector::promql::layout
