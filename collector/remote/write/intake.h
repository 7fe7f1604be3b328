// From a parsed request to the store: what every protocol that others write by has in common.
//
// Finds the handles of the request's series (by their key, or by their labels where they are new),
// leaves out what can never be taken, and hands the rest to the store as one batch. Keeps what
// metrics are, and adds a sample of 0 where a counter began shortly before its first sample, when
// its series is first seen: what it counted until then would be missing otherwise.
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
#include "collector/remote/write/write_metrics.h"
#include "collector/store/store.h"
#include "common/clock.h"
#include "prometheus/registry.h"

namespace leadline::collector::remote::write {

struct IntakeOptions {
  store::Appendable* store = nullptr;  // required, as the next one
  prometheus::Registry* registry = nullptr;
  model::MetricMetadata* metadata = nullptr;  // where what metrics are goes; null: nowhere
  const Clock* clock = &SystemClock();
  std::string tenant = "default";
  absl::Duration max_age = absl::ZeroDuration();  // of samples; zero: any
};

class Intake {
 public:
  // What one request keeps between its steps; used again, for its memory.
  struct Work {
    std::vector<store::SeriesHandle> handles;
    BatchBuilder builder;
  };

  struct Prepared {
    store::WriteBatch batch;
    BatchCounts counts;
    Rejections rejections;
  };

  // `protocol` is the metrics' label of that name.
  Intake(const IntakeOptions& options, const char* protocol);

  // Looks for the request's series and makes a batch of what can be taken; Series::rejected says
  // what cannot. INVALID_ARGUMENT where a label is malformed: that is the whole request's error.
  absl::StatusOr<Prepared> Prepare(Request& request, Work& work);

  // Calls `done` once the batch is durable or is not taken, from a thread of the store or, where
  // nothing is left to write, at once. What was rejected is counted in any case.
  using Done = std::function<void(const absl::Status&, const BatchCounts&, const Rejections&)>;
  void Append(Prepared prepared, Done done);

  WriteMetrics& metrics() { return metrics_; }

 private:
  absl::Status Resolve(Request& request, Work& work, Rejections& rejections);
  absl::StatusOr<store::SeriesHandle> ResolveOne(const model::SeriesDefinition& definition);
  void Describe(Request& request, std::string_view metric, size_t number);
  void Keep(const Metadata& metadata);
  Bounds BoundsNow() const;

  const IntakeOptions options_;
  WriteMetrics metrics_;
  SeriesCache series_;
};

}  // namespace leadline::collector::remote::write
