#include "collector/store/rollup/histograms.h"

#include <bit>
#include <cmath>
#include <utility>
#include <vector>

namespace leadline::collector::store::rollup {
namespace {

using SparseCounts = std::vector<model::NativeHistogram::Bucket>;

constexpr uint64_t kMaxCount = uint64_t{1} << 53;

bool HaveOneLayout(const model::NativeHistogram& a, const model::NativeHistogram& b) {
  return a.schema == b.schema && a.zero_threshold == b.zero_threshold &&
         a.custom_bounds == b.custom_bounds && a.reset_hint == b.reset_hint &&
         a.float_counts == b.float_counts;
}

// NaN is never what another number became.
bool Fell(bool floats, uint64_t before, uint64_t now) {
  if (!floats) return now < before;
  return !(std::bit_cast<double>(now) >= std::bit_cast<double>(before));
}

// Whether a count is less in `next`; both ascend.
bool AnyFell(bool floats, const SparseCounts& previous, const SparseCounts& next) {
  auto at = next.begin();
  for (const auto& bucket : previous) {
    while (at != next.end() && at->index < bucket.index) ++at;
    const uint64_t count = at != next.end() && at->index == bucket.index ? at->count : 0;
    if (Fell(floats, bucket.count, count)) return true;
  }
  return false;
}

// Calls add(total, count) for each bucket with what has its index; both ascend.
template <typename Total, typename Add>
void AddTo(std::vector<Total>& totals, const SparseCounts& next, Add add) {
  std::vector<Total> merged;
  merged.reserve(totals.size() + next.size());
  auto at = totals.begin();
  for (const auto& bucket : next) {
    while (at != totals.end() && at->index < bucket.index) merged.push_back(*at++);
    const bool has = at != totals.end() && at->index == bucket.index;
    merged.push_back(has ? *at++ : Total{.index = bucket.index});
    add(merged.back(), bucket.count);
  }
  merged.insert(merged.end(), at, totals.end());
  totals = std::move(merged);
}

}  // namespace

bool CountsOn(const model::NativeHistogram& previous, const model::NativeHistogram& next) {
  if (!HaveOneLayout(previous, next) || next.reset_hint == model::ResetHint::kReset) return false;
  const bool floats = next.float_counts;
  return !Fell(floats, previous.count, next.count) &&
         !Fell(floats, previous.zero_count, next.zero_count) &&
         !AnyFell(floats, previous.positive, next.positive) &&
         !AnyFell(floats, previous.negative, next.negative);
}

HistogramSum::HistogramSum(const model::NativeHistogram& first) {
  total_.schema = first.schema;
  total_.reset_hint = first.reset_hint;
  total_.float_counts = first.float_counts;
  total_.zero_threshold = first.zero_threshold;
  total_.custom_bounds = first.custom_bounds;
  Add(first);
}

void HistogramSum::Add(const model::NativeHistogram& next) {
  is_kept_ = is_kept_ && HaveOneLayout(total_, next);
  if (!is_kept_) return;
  sum_.Add(next.sum);
  if (next.float_counts) {
    AddFloat(next);
  } else {
    AddWhole(next);
  }
}

void HistogramSum::AddWhole(const model::NativeHistogram& next) {
  is_kept_ = next.count <= kMaxCount && total_.count + next.count <= kMaxCount;
  if (!is_kept_) return;
  total_.count += next.count;
  total_.zero_count += next.zero_count;
  const auto add = [](model::NativeHistogram::Bucket& total, uint64_t count) {
    total.count += count;
  };
  AddTo(total_.positive, next.positive, add);
  AddTo(total_.negative, next.negative, add);
}

void HistogramSum::AddFloat(const model::NativeHistogram& next) {
  zero_count_.Add(std::bit_cast<double>(next.zero_count));
  count_.Add(std::bit_cast<double>(next.count));
  const auto add = [](Total& total, uint64_t count) {
    total.count.Add(std::bit_cast<double>(count));
  };
  AddTo(positive_, next.positive, add);
  AddTo(negative_, next.negative, add);
  is_kept_ = std::isfinite(count_.value());
}

model::NativeHistogram HistogramSum::value() const {
  model::NativeHistogram value = total_;
  value.sum = sum_.value();
  if (!value.float_counts) return value;
  value.zero_count = model::FloatCount(zero_count_.value());
  value.count = model::FloatCount(count_.value());
  const auto fill = [](const std::vector<Total>& totals, SparseCounts& out) {
    out.reserve(totals.size());
    for (const Total& total : totals) {
      out.push_back({total.index, model::FloatCount(total.count.value())});
    }
  };
  fill(positive_, value.positive);
  fill(negative_, value.negative);
  return value;
}

}  // namespace leadline::collector::store::rollup
