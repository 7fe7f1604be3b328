// Native histograms in a bucket: which tell something, and their sum.
//
// Plain values and pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "collector/model/sample.h"
#include "common/kahan_sum.h"

namespace leadline::collector::store::rollup {

// Whether `next` is what `previous` became by counting on: of the same layout, saying the same of
// resets and not that there was one, and nothing in it fell.
bool CountsOn(const model::NativeHistogram& previous, const model::NativeHistogram& next);

// The sum of histograms, as long as all have the same layout and the same kind of counts and say
// the same of resets. Whole counts are exact, and none is kept that is too large for that as a
// float; float counts are compensated and finite.
class HistogramSum {
 public:
  explicit HistogramSum(const model::NativeHistogram& first);

  void Add(const model::NativeHistogram& next);
  bool is_kept() const { return is_kept_; }
  model::NativeHistogram value() const;

 private:
  // Of float counts.
  struct Total {
    int32_t index = 0;
    KahanSum count;
  };

  void AddWhole(const model::NativeHistogram& next);
  void AddFloat(const model::NativeHistogram& next);

  model::NativeHistogram total_;  // of float counts what is beside them
  KahanSum sum_;
  KahanSum zero_count_;
  KahanSum count_;
  std::vector<Total> positive_;
  std::vector<Total> negative_;
  bool is_kept_ = true;
};

}  // namespace leadline::collector::store::rollup
