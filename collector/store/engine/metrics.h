// The store's own metrics. Thread-safe.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include "collector/store/head/shard.h"

namespace leadline::collector::store::engine {

struct Metrics {
  explicit Metrics(prometheus::Registry& registry);

  void Count(const head::AppendCounts& counts);

  prometheus::Counter& log_fsyncs;
  prometheus::Counter& log_bytes;
  prometheus::Counter& log_errors;
  prometheus::Counter& log_held_seconds;
  prometheus::Counter& log_torn_bytes;
  prometheus::Counter& log_salvaged_frames;
  prometheus::Gauge& series;
  prometheus::Gauge& definition_bytes;
  prometheus::Counter& series_released;
  prometheus::Counter& series_refused;
  prometheus::Counter& samples_appended;
  prometheus::Counter& samples_duplicate;
  prometheus::Counter& samples_replaced;
  prometheus::Counter& samples_too_old;
  prometheus::Counter& samples_undefined;
  prometheus::Counter& batches_duplicate;
  prometheus::Counter& batches_rejected;
  prometheus::Gauge& recovery_seconds;
  prometheus::Counter& window_flushes;
  prometheus::Counter& flush_errors;
  prometheus::Counter& windows_dropped;
  prometheus::Gauge& window_bytes;
  prometheus::Counter& quarantined_segments;
  prometheus::Counter& quarantined_windows;
  prometheus::Counter& quarantined_manifests;  // of which the copy was used
  prometheus::Counter& sequence_gaps;
  prometheus::Counter& rollups_made;
  prometheus::Counter& rollup_samples;
  prometheus::Counter& rollup_errors;
  prometheus::Gauge& rollups_due;
  prometheus::Gauge& rollups_stale;
};

}  // namespace leadline::collector::store::engine
