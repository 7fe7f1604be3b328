// The sender's self-metrics.
#pragma once

#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace leadline::agent {

struct SenderMetrics {
  explicit SenderMetrics(prometheus::Registry& registry);

  // Batches and samples given up, for one reason.
  struct Drops {
    prometheus::Counter& batches;
    prometheus::Counter& samples;
    void Count(uint64_t batch_count, uint64_t sample_count) {
      batches.Increment(static_cast<double>(batch_count));
      samples.Increment(static_cast<double>(sample_count));
    }
  };

  prometheus::Counter& batches_sent;  // resent ones included
  prometheus::Counter& batches_acknowledged;
  prometheus::Counter& bytes_sent;
  prometheus::Counter& bytes_before_compression;
  prometheus::Counter& sessions;
  prometheus::Counter& connect_failures;
  prometheus::Counter& refusals;
  prometheus::Counter& repaired_texts;
  prometheus::Counter& left_out_labels;
  prometheus::Counter& dropped_versions;
  prometheus::Gauge& buffered_batches;
  prometheus::Gauge& buffered_bytes;
  prometheus::Gauge& connected;
  prometheus::Family<prometheus::Counter>& dropped_batches;
  prometheus::Family<prometheus::Counter>& dropped_samples;
  Drops buffer_full;  // no room in memory
  Drops refused;      // the collector does not take it
  Drops too_large;    // over what the collector takes
  Drops spool_full;   // neither in memory nor in the spool, which made room
  Drops damaged;      // cannot be read back from the spool
  Drops ahead;        // of before the clock was set back, and the collector does not take it
  Drops shutdown;     // unacknowledged when the agent stopped

 private:
  Drops MakeDrops(const char* reason);
};

}  // namespace leadline::agent
