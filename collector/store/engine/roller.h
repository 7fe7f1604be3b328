// Makes rollups of the samples in windows, in the background.
//
// Four hours of one tenant at a time, once they are over and every shard of the head was flushed
// after them: samples are read 64 series at a time, folded, and written to the windows of rollups;
// these are synced and note what they cover; then the window of samples notes that it is rolled up,
// unless something was written to it meanwhile. A kill at any point leaves it without that note,
// and the same buckets are written again. What is written late takes the note away
// (window/rolled_up.h), and the four hours are made again once nothing more came for some time.
//
// Nothing waits for it but a flush, for as long as 64 series are written.
//
// Threading: one thread at a time calls MakeDue. Ownership: the arguments outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

#include "collector/store/chunk/pieces.h"
#include "collector/store/engine/metrics.h"
#include "collector/store/engine/window_id.h"
#include "collector/store/engine/window_set.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace leadline::collector::store::engine {

class Roller {
 public:
  struct Options {
    ByClass<bool> wanted{};                          // of the classes of rollups
    std::function<ByClass<int64_t>()> kept_from_ms;  // windows that end before it go
    std::function<absl::Status()> write_manifest;    // called with the mutex held
    std::function<bool()> is_stopping;
    int64_t quiet_ms = int64_t{15} * 60 * 1000;  // without writes, before they are made again
  };

  // `mutex`: held by who writes to windows.
  Roller(WindowSet& windows, Mutex& mutex, const Clock& clock, Metrics& metrics, Options options)
      : windows_(windows),
        mutex_(mutex),
        clock_(clock),
        metrics_(metrics),
        options_(std::move(options)) {}

  // Makes what is not made yet of the hours that end before t, the oldest first, and settles it.
  // `at_once`: also what was written to just now.
  absl::Status MakeDue(int64_t before_ms, bool at_once) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Due {
    int64_t start_ms = 0;
    std::string tenant;
    bool again = false;
  };
  struct Work;
  struct MetricSeries;
  using Pieces = std::vector<chunk::Piece>;  // of one series

  absl::StatusOr<std::vector<Due>> FindDue(int64_t before_ms, bool at_once)
      ABSL_LOCKS_EXCLUDED(mutex_);
  bool IsQuiet(const Due& due, uint64_t writes);
  absl::Status Make(const Due& due) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Work> Begin(const Due& due) ABSL_LOCKS_EXCLUDED(mutex_);
  static absl::StatusOr<bool> HasSamples(const Work& work);
  absl::Status MakeMetric(const Work& work, const std::string& metric) ABSL_LOCKS_EXCLUDED(mutex_);
  static absl::StatusOr<MetricSeries> FindMetric(const Work& work, const std::string& metric);
  // Of the series from `first` on, one a place of `pieces`.
  static absl::Status ReadSlice(const Work& work, const MetricSeries& series, size_t first,
                                absl::Span<Pieces> pieces);
  // For each window of rollups.
  absl::StatusOr<std::vector<window::Window::TenantBuckets>> FoldSlice(
      const Work& work, absl::Span<const window::SeriesRef> slice, absl::Span<const Pieces> pieces);
  absl::Status Finish(const Work& work) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Settle(int64_t before_ms) ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<RetentionClass> WantedAt(int64_t start_ms,
                                       const ByClass<int64_t>& kept_from_ms) const;

  WindowSet& windows_;
  Mutex& mutex_;
  const Clock& clock_;
  Metrics& metrics_;
  const Options options_;
  struct Seen {
    uint64_t writes = 0;
    int64_t since_ms = 0;
  };
  std::map<std::pair<int64_t, std::string>, Seen> seen_;  // of hours that are to be made again
};

}  // namespace leadline::collector::store::engine
