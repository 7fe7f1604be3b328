// The query engine: PromQL over a store's read half.
//
// Prometheus 3's semantics, all of it, what is experimental there included (docs/promql.md). Every
// query is bounded in samples and time. Times are milliseconds since the Unix epoch.
//
// Errors:
//   INVALID_ARGUMENT     the query is wrong, with line and column
//   FAILED_PRECONDITION  the data does not allow it (two series with the same labels)
//   RESOURCE_EXHAUSTED   it would hold more samples than allowed
//   DEADLINE_EXCEEDED    it ran for too long
//   others               from the store
// Threading: any number of queries at a time.
// Source: https://prometheus.io/docs/prometheus/3.0/querying/basics/.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/promql/value/result.h"
#include "collector/store/store.h"
#include "common/worker_pool.h"

namespace leadline::collector::promql {

struct EngineOptions {
  absl::Duration lookback = absl::Minutes(5);
  absl::Duration timeout = absl::Minutes(2);  // of a query; a smaller one can be asked for
  uint64_t max_samples = 50'000'000;          // that a query may hold at a time
  size_t threads = 0;                         // that one query may use; 0: one a processor
};

struct QueryOptions {
  absl::Duration timeout = absl::InfiniteDuration();
  absl::Duration lookback = absl::ZeroDuration();  // 0: the engine's
  // Once it is set the query ends, with CANCELLED. Outlives the query; nullptr: nobody sets it.
  const std::atomic<bool>* cancelled = nullptr;
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

 private:
  const store::Queryable& queryable_;
  const EngineOptions options_;
  const size_t helpers_;                       // threads beside a query's own
  const std::unique_ptr<WorkerPool> workers_;  // shared by all queries
};

}  // namespace leadline::collector::promql
