// Ingest's self-metrics.
#pragma once

#include <array>

#include "collector/ingest/refusal.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace leadline::collector::ingest {

struct IngestMetrics {
  explicit IngestMetrics(prometheus::Registry& registry);

  void CountRefusal(Reason reason) { refusals[static_cast<size_t>(reason)]->Increment(); }

  prometheus::Gauge& sessions;
  prometheus::Counter& received_bytes;
  prometheus::Counter& batches;  // handed to the store
  prometheus::Counter& samples;
  prometheus::Counter& duplicate_batches;
  prometheus::Counter& lost_batches;
  prometheus::Counter& lost_samples;
  prometheus::Counter& takeovers;
  prometheus::Counter& stalls;
  prometheus::Gauge& batches_in_flight;
  prometheus::Histogram& durable_seconds;
  std::array<prometheus::Counter*, kReasons> refusals{};
};

}  // namespace leadline::collector::ingest
