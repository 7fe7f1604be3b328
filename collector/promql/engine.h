// The query engine: PromQL over a store's read half.
//
// Prometheus 3's semantics, all of it, what is experimental there included (docs/promql.md). Every
// query is bounded in samples and time. Times are milliseconds since the Unix epoch.
//
// Errors:
//   INVALID_ARGUMENT     the query is wrong, with line and column
//   FAILED_PRECONDITION  the data does not allow it (two series with the same labels), or a
//   function
//                        its arguments (a ratio of NaN)
//   RESOURCE_EXHAUSTED   it would hold more samples or memory than allowed; says what was asked and
//                        what the limit is
//   DEADLINE_EXCEEDED    it ran, or waited for its turn, for too long
//   CANCELLED            nobody waits for it any more
//   UNAVAILABLE          too many queries of the tenant wait already
//   others               from the store
// Threading: any number of queries at a time.
// Source: https://prometheus.io/docs/prometheus/3.0/querying/basics/.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/promql/exec/budget.h"
#include "collector/promql/explain.h"
#include "collector/promql/govern/active_queries.h"
#include "collector/promql/govern/query_gate.h"
#include "collector/promql/value/result.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "common/worker_pool.h"

namespace leadline::collector::promql {

struct EngineOptions {
  absl::Duration lookback = absl::Minutes(5);
  absl::Duration timeout = absl::Minutes(2);      // of a query; a smaller one can be asked for
  uint64_t max_samples = 50'000'000;              // that a query may hold at a time
  uint64_t max_memory_bytes = uint64_t{1} << 30;  // that a query may hold; an estimate
  uint64_t max_total_memory_bytes = uint64_t{4} << 30;  // and all queries together
  size_t max_concurrency = 20;  // queries of a tenant that run at a time; likewise AskStore's calls
  size_t max_waiting = 100;     // and that wait for their turn
  size_t threads = 0;           // that one query may use; 0: one a processor
  // Where the queries that run are kept for whoever looks into a crash; "": nowhere.
  std::string active_file;
  const Clock* clock = &SystemClock();  // outlives the engine
};

// What a query took.
struct QueryStats {
  double queue_seconds = 0;        // waiting for its turn
  double preparation_seconds = 0;  // parsing and planning
  double evaluation_seconds = 0;
  uint64_t samples_read = 0;  // from the store, each as often as it was read
  uint64_t peak_samples = 0;  // that it held at a time, as max_samples bounds them
  // That each step looks at (exec/looked_at.h), of steps from `start_ms` on.
  std::vector<uint64_t> samples_looked_at;
  int64_t start_ms = 0;
  int64_t step_ms = 0;
};

struct QueryOptions {
  absl::Duration timeout = absl::InfiniteDuration();
  absl::Duration lookback = absl::ZeroDuration();  // 0: the engine's
  // The longest buckets of rollups that may stand in for samples; 0: none. Nothing: wherever it
  // pays.
  std::optional<absl::Duration> max_source_resolution;
  // Once it is set the query ends, with CANCELLED. Outlives the query; nullptr: nobody sets it.
  const std::atomic<bool>* cancelled = nullptr;
  // Filled where the query succeeds; nullptr: nobody asks.
  QueryStats* stats = nullptr;
};

class Engine {
 public:
  // The queryable must outlive the engine.
  Engine(const store::Queryable& queryable, EngineOptions options);

  absl::StatusOr<QueryResult> Instant(std::string_view tenant, std::string_view query,
                                      int64_t ts_ms, const QueryOptions& options = {}) const;

  // At start, start + step, … up to end. INVALID_ARGUMENT unless start <= end and step > 0. How
  // many steps are sensible is for the caller to bound; each counts as a sample.
  absl::StatusOr<QueryResult> Range(std::string_view tenant, std::string_view query,
                                    int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                    const QueryOptions& options = {}) const;

  // Runs the query as Instant (step_ms 0, at end_ms) or Range do, and tells what came of it instead
  // of its result.
  absl::StatusOr<Explanation> Explain(std::string_view tenant, std::string_view query,
                                      int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                      const QueryOptions& options = {}) const;

  // Calls `ask`, which asks the store for series, labels or samples, when its turn comes. As many
  // such calls of a tenant run at a time as queries, beside those. `text` stands among the queries
  // that run now. `limits` are a query's, of time and memory; what was counted against them is
  // given back when `ask` returns. Errors: those of Instant that are not about the query itself,
  // and those of `ask`.
  using Ask = absl::FunctionRef<absl::Status(const store::CallLimits& limits)>;
  absl::Status AskStore(std::string_view tenant, std::string_view text, int64_t start_ms,
                        int64_t end_ms, const QueryOptions& options, Ask ask) const;

  // Counts what an answer takes against what one query may hold, and all together, until what it
  // gives goes, before the engine does. RESOURCE_EXHAUSTED as for a query.
  absl::StatusOr<std::shared_ptr<const void>> Hold(uint64_t bytes) const;

  // The tenant's that run or wait now, oldest first.
  std::vector<govern::ActiveQuery> Active(std::string_view tenant) const {
    return active_.Of(tenant);
  }
  // What all queries hold now.
  uint64_t held_bytes() const { return memory_.held(); }

 private:
  struct Question {
    std::string_view tenant;
    std::string_view query;
    int64_t start_ms = 0;
    int64_t end_ms = 0;
    int64_t step_ms = 0;  // 0: at end_ms alone
  };

  // Fills `explanation` unless it is nullptr.
  absl::StatusOr<QueryResult> Run(const Question& question, const QueryOptions& options,
                                  Explanation* explanation) const;

  const store::Queryable& queryable_;
  const EngineOptions options_;
  // Queries change them.
  mutable exec::SharedMemory memory_;
  mutable govern::QueryGate gate_;
  mutable govern::QueryGate store_gate_;  // of what asks the store alone
  mutable govern::ActiveQueries active_;
  const size_t helpers_;                       // threads beside a query's own
  const std::unique_ptr<WorkerPool> workers_;  // shared by all queries
};

}  // namespace leadline::collector::promql
