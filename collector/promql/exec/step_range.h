// What is kept of a query's steps over the range of them that is needed: who lives for a part of
// the steps takes memory for those alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"

#include "collector/promql/exec/budget.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {

struct StepRange {
  size_t begin = 0;
  size_t end = 0;

  size_t size() const { return end - begin; }
  bool Has(size_t step) const { return step >= begin && step < end; }
  bool operator==(const StepRange&) const = default;

  // The least that holds both.
  StepRange With(const StepRange& other) const {
    if (size() == 0) return other;
    if (other.size() == 0) return *this;
    return {std::min(begin, other.begin), std::max(end, other.end)};
  }
};

// A value for each step of a range. A plain value.
template <typename Value>
class StepColumn {
 public:
  static constexpr uint64_t kStepBytes = sizeof(Value);

  // New steps have Value(). REQUIRES: `range` holds the one before.
  void Widen(const StepRange& range) {
    std::vector<Value> wider(range.size());
    if (!values_.empty()) {
      std::move(values_.begin(), values_.end(),
                wider.begin() + static_cast<ptrdiff_t>(begin_ - range.begin));
    }
    values_ = std::move(wider);
    begin_ = range.begin;
  }

  // REQUIRES: the step is in the range.
  Value& operator[](size_t step) { return values_[step - begin_]; }
  const Value& operator[](size_t step) const { return values_[step - begin_]; }

 private:
  size_t begin_ = 0;
  std::vector<Value> values_;
};

// A StepColumn, or what has several (kStepBytes and Widen), over a range that grows as it is needed
// and is charged before it does.
template <typename Columns>
class Ranged {
 public:
  // The budget outlives it.
  explicit Ranged(Budget& budget) : held_(budget) {}

  absl::Status Cover(const StepRange& range) {
    const StepRange wider = range_.With(range);
    if (wider == range_) return absl::OkStatus();
    // Each step counts as a sample, and the rest of what it takes as bytes.
    constexpr uint64_t kMoreBytes = std::max(Columns::kStepBytes, kSampleBytes) - kSampleBytes;
    const uint64_t steps = wider.size() - range_.size();
    LL_RETURN_IF_ERROR(held_.Add(steps, steps * kMoreBytes));
    columns_.Widen(wider);
    range_ = wider;
    return absl::OkStatus();
  }
  const StepRange& range() const { return range_; }
  Columns& operator*() { return columns_; }
  Columns* operator->() { return &columns_; }
  // Calls use(step, columns[step]) for each step of the range.
  template <typename Use>
  void ForEach(Use use) {
    for (size_t step = range_.begin; step < range_.end; ++step) use(step, columns_[step]);
  }

 private:
  Holding held_;
  StepRange range_;
  Columns columns_;
};

}  // namespace leadline::collector::promql::exec
