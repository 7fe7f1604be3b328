// What the operators of one query share: its time steps, its limits, where data comes from.
//
// One query, one thread; its workers (selector.h) only read it and charge its budget.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "collector/promql/exec/budget.h"
#include "collector/promql/exec/looked_at.h"
#include "collector/promql/exec/trace.h"
#include "collector/promql/value/result.h"
#include "collector/store/store.h"
#include "common/worker_pool.h"

namespace leadline::collector::promql::plan {
class Plan;
}

namespace leadline::collector::promql::exec {

struct Context {
  const store::Queryable& queryable;
  std::string tenant;
  std::string_view query;  // its text
  // The steps that are being evaluated: the query's, or those of a subquery.
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;  // 0 where start and end are equal: an instant query
  int64_t query_start_ms = 0;
  int64_t query_end_ms = 0;
  int64_t query_step_ms = 0;  // 0 of an instant query
  int64_t lookback_ms = 0;
  // Of rollups that may stand in for samples; 0: none may; nothing: where it pays.
  std::optional<int64_t> max_source_resolution_ms;
  absl::Time deadline = absl::InfiniteFuture();  // by SteadyNow()
  const std::atomic<bool>* cancelled = nullptr;  // nullptr: nobody can
  Budget& budget;                                // workers charge it
  uint64_t scalar_samples = 0;                   // of scalars that are charged (Evaluator)
  Annotations annotations;
  const plan::Plan* plan = nullptr;  // of the expression; never nullptr
  WorkerPool* workers = nullptr;     // nullptr: the query's thread does everything
  size_t helpers = 0;                // workers that it may have at a time
  Trace* trace = nullptr;            // nullptr: nobody wants to know
  LookedAt* looked_at = nullptr;     // of the steps that are being evaluated; nullptr as above

  size_t steps() const {
    return step_ms == 0 ? 1 : static_cast<size_t>((end_ms - start_ms) / step_ms) + 1;
  }
  int64_t StepTime(size_t step) const { return start_ms + static_cast<int64_t>(step) * step_ms; }
  // DEADLINE_EXCEEDED once the query has run for too long, CANCELLED once nobody waits for it;
  // cheap enough to ask for every series.
  absl::Status CheckTime() const;
};

// Other steps for as long as it lives, and where is counted what they look at.
class OtherSteps {
 public:
  OtherSteps(Context& context, int64_t start_ms, int64_t end_ms, int64_t step_ms,
             LookedAt* looked_at)
      : context_(context),
        start_ms_(std::exchange(context.start_ms, start_ms)),
        end_ms_(std::exchange(context.end_ms, end_ms)),
        step_ms_(std::exchange(context.step_ms, step_ms)),
        looked_at_(std::exchange(context.looked_at, looked_at)) {}
  ~OtherSteps() {
    context_.start_ms = start_ms_;
    context_.end_ms = end_ms_;
    context_.step_ms = step_ms_;
    context_.looked_at = looked_at_;
  }
  OtherSteps(const OtherSteps&) = delete;
  OtherSteps& operator=(const OtherSteps&) = delete;

 private:
  Context& context_;
  const int64_t start_ms_;
  const int64_t end_ms_;
  const int64_t step_ms_;
  LookedAt* const looked_at_;
};

// As Context::CheckTime, for what looks at many samples of one series: cheap enough to ask for
// every step.
class TimeCheck {
 public:
  explicit TimeCheck(const Context& context) : context_(context) {}
  absl::Status After(uint64_t samples);

 private:
  const Context& context_;
  uint64_t unchecked_ = 0;  // samples that were looked at since the time was
};

}  // namespace leadline::collector::promql::exec
