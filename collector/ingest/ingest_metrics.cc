#include "collector/ingest/ingest_metrics.h"

namespace leadline::collector::ingest {
namespace {

prometheus::Counter& Counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

IngestMetrics::IngestMetrics(prometheus::Registry& registry)
    : sessions(Gauge(registry, "leadline_collector_ingest_sessions", "Agents' open streams.")),
      received_bytes(Counter(registry, "leadline_collector_ingest_received_bytes_total",
                             "Bytes of messages received from agents.")),
      batches(Counter(registry, "leadline_collector_ingest_batches_total",
                      "Batches handed to the store.")),
      samples(Counter(registry, "leadline_collector_ingest_samples_total",
                      "Samples handed to the store.")),
      duplicate_batches(Counter(registry, "leadline_collector_ingest_duplicate_batches_total",
                                "Batches that came again and were not handed to the store.")),
      lost_batches(Counter(registry, "leadline_collector_ingest_lost_batches_total",
                           "Batches that agents declared lost.")),
      lost_samples(Counter(registry, "leadline_collector_ingest_lost_samples_total",
                           "Samples that agents declared lost.")),
      takeovers(Counter(registry, "leadline_collector_ingest_takeovers_total",
                        "Sessions ended because their agent began another.")),
      stalls(Counter(registry, "leadline_collector_ingest_stalls_total",
                     "Times that a session was not read because the store has too much of it.")),
      batches_in_flight(Gauge(registry, "leadline_collector_ingest_batches_in_flight",
                              "Batches in the store that are not durable yet.")),
      durable_seconds(prometheus::BuildHistogram()
                          .Name("leadline_collector_ingest_durable_seconds")
                          .Help("Time from the receipt of a batch until it was durable.")
                          .Register(registry)
                          .Add({}, prometheus::Histogram::BucketBoundaries{
                                       0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                       2.5, 5, 10})) {
  auto& family = prometheus::BuildCounter()
                     .Name("leadline_collector_ingest_refusals_total")
                     .Help("Sessions that the collector ended, by reason.")
                     .Register(registry);
  for (size_t i = 0; i < kReasons; ++i) refusals[i] = &family.Add({{"reason", kReasonNames[i]}});
}

}  // namespace leadline::collector::ingest
