// From a parsed request to the store: what every protocol that others write by has in common.
//
// Finds the handles of the request's series (by their key, or by their labels where they are new),
// leaves out what is over a limit of its tenant or can never be taken, and hands the rest to the
// store as one batch. Keeps what
// metrics are, and adds a sample of 0 where a counter began or was reset (start_times.h): what it
// counted until then would be missing otherwise.
//
// Threading: any thread. Ownership: what the options name outlives it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "collector/model/metric_metadata.h"
#include "collector/remote/write/batch.h"
#include "collector/remote/write/rejections.h"
#include "collector/remote/write/request.h"
#include "collector/remote/write/series_cache.h"
#include "collector/remote/write/start_times.h"
#include "collector/remote/write/write_metrics.h"
#include "collector/store/store.h"
#include "prometheus/registry.h"

namespace leadline::collector::remote::write {

struct IntakeOptions {
  store::Appendable* store = nullptr;  // required, as the next one
  prometheus::Registry* registry = nullptr;
  model::MetricMetadata* metadata = nullptr;  // where what metrics are goes; null: nowhere
  std::string tenant = "default";
};

// What became of a request.
struct Outcome {
  // OK: what is not rejected is durable. Otherwise nothing of it is there.
  absl::Status status;
  BatchCounts counts;
  Rejections rejections;
  // The request should come again after so long, for what was over a rate; what of it was taken is
  // known then. Zero: it need not, or is to when `status` says so.
  absl::Duration retry_after = absl::ZeroDuration();
};

// Whole seconds, as the header Retry-After has them.
std::string RetryAfterSeconds(absl::Duration retry_after);

class Intake {
 public:
  // What one request keeps between its steps; used again, for its memory.
  struct Work {
    std::vector<store::SeriesHandle> handles;
    BatchBuilder builder;
  };

  struct Prepared {
    store::WriteBatch batch;
    Outcome outcome;  // so far; when its status is an error the batch is not to be taken
    StartTimes::Seen seen;
  };

  // `protocol` is the metrics' label of that name.
  Intake(const IntakeOptions& options, const char* protocol);

  // Looks for the request's series and makes a batch of what can be taken; Series::rejected says
  // what cannot. INVALID_ARGUMENT where a label is malformed: that is the whole request's error.
  absl::StatusOr<Prepared> Prepare(Request& request, Work& work);

  // Calls `done` once the batch is durable or is not taken, from a thread of the store or, where
  // nothing is left to write, at once. What was rejected is counted unless all may come again.
  using Done = std::function<void(const Outcome&)>;
  void Append(Prepared prepared, Done done);

  WriteMetrics& metrics() { return metrics_; }

 private:
  absl::Status Resolve(Request& request, Work& work, Outcome& outcome);
  // `counters`: the numbers of those that are.
  void ResolveNew(absl::Span<const size_t> numbers, absl::Span<const size_t> counters,
                  absl::Span<const model::SeriesDefinition> definitions, Request& request,
                  Work& work, Outcome& outcome);
  absl::StatusOr<store::SeriesHandle> ResolveOne(const model::SeriesDefinition& definition,
                                                 store::Refusals& refused);
  void Admit(Request& request, Prepared& prepared);
  // Whether it is a counter whose start timestamp says something.
  bool Describe(Request& request, std::string_view metric, size_t number);
  void Keep(const Metadata& metadata);

  const IntakeOptions options_;
  WriteMetrics metrics_;
  SeriesCache series_;
  StartTimes starts_;
};

}  // namespace leadline::collector::remote::write
