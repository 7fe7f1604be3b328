// What the operators of one query share: its time steps, its limits, where data comes from.
//
// One query, one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "collector/promql/value/result.h"
#include "collector/store/store.h"

namespace leadline::collector::promql::exec {

// How many samples a query holds at a time, against what it may. Values at steps that hold nothing
// count too: they take the same memory.
class SampleBudget {
 public:
  explicit SampleBudget(uint64_t limit) : limit_(limit) {}

  // RESOURCE_EXHAUSTED when more would be held than allowed.
  absl::Status Charge(uint64_t samples);
  void Release(uint64_t samples) { held_ -= samples; }
  uint64_t remaining() const { return limit_ - held_; }
  uint64_t peak() const { return peak_; }

 private:
  uint64_t limit_;
  uint64_t held_ = 0;
  uint64_t peak_ = 0;
};

struct Context {
  const store::Queryable& queryable;
  std::string tenant;
  // The steps that are being evaluated: the query's, or those of a subquery.
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;  // 0 where start and end are equal: an instant query
  int64_t query_start_ms = 0;
  int64_t query_end_ms = 0;
  int64_t query_step_ms = 0;  // 0 of an instant query
  int64_t lookback_ms = 0;
  absl::Time deadline = absl::InfiniteFuture();
  const std::atomic<bool>* cancelled = nullptr;  // nullptr: nobody can
  std::vector<std::string> named_labels;         // by the whole query
  SampleBudget budget;
  Annotations annotations;
  uint64_t unchecked_samples = 0;  // that were looked at since the time was

  size_t steps() const {
    return step_ms == 0 ? 1 : static_cast<size_t>((end_ms - start_ms) / step_ms) + 1;
  }
  int64_t StepTime(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  // DEADLINE_EXCEEDED once the query has run for too long, CANCELLED once nobody waits for it;
  // cheap enough to ask for every series.
  absl::Status CheckTime() const;
  // As CheckTime, for what looks at many samples of one series: cheap enough to ask for every step.
  absl::Status CheckTimeAfter(uint64_t samples);
};

}  // namespace leadline::collector::promql::exec
