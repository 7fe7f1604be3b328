#include "agent/export/sender_metrics.h"

namespace leadline::agent {
namespace {

prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry& registry,
                                                       const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Counter& Counter(prometheus::Registry& registry, const char* name, const char* help) {
  return CounterFamily(registry, name, help).Add({});
}

prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

SenderMetrics::SenderMetrics(prometheus::Registry& registry)
    : batches_sent(Counter(registry, "leadline_agent_export_batches_sent_total",
                           "Batches sent to the collector, those sent again included.")),
      batches_acknowledged(Counter(registry, "leadline_agent_export_batches_acknowledged_total",
                                   "Batches that the collector holds durably.")),
      bytes_sent(Counter(registry, "leadline_agent_export_sent_bytes_total",
                         "Bytes of messages sent to the collector.")),
      bytes_before_compression(Counter(registry, "leadline_agent_export_uncompressed_bytes_total",
                                       "Bytes of these messages before they were compressed.")),
      sessions(Counter(registry, "leadline_agent_export_sessions_total",
                       "Sessions that the collector has welcomed.")),
      connect_failures(Counter(registry, "leadline_agent_export_connect_failures_total",
                               "Attempts at a session that ended before a welcome.")),
      refusals(Counter(registry, "leadline_agent_export_refusals_total",
                       "Sessions that the collector ended by refusing what was sent.")),
      repaired_texts(Counter(registry, "leadline_agent_export_repaired_texts_total",
                             "Label texts that were not UTF-8 or too long and were changed.")),
      left_out_labels(Counter(registry, "leadline_agent_export_labels_left_out_total",
                              "Labels whose name or number is over what a collector takes.")),
      dropped_versions(Counter(registry, "leadline_agent_export_entity_versions_dropped_total",
                               "Versions of entities given up because too many of one entity were "
                               "unacknowledged.")),
      buffered_batches(Gauge(registry, "leadline_agent_export_buffered_batches",
                             "Batches that are not acknowledged yet.")),
      buffered_bytes(Gauge(registry, "leadline_agent_export_buffered_bytes",
                           "Memory of the batches that are not acknowledged yet.")),
      connected(Gauge(registry, "leadline_agent_export_connected",
                      "1 while the collector has welcomed the session.")),
      dropped_batches(CounterFamily(registry, "leadline_agent_export_batches_dropped_total",
                                    "Batches given up, by reason.")),
      dropped_samples(CounterFamily(registry, "leadline_agent_export_samples_dropped_total",
                                    "Samples in the batches given up, by reason.")),
      buffer_full(MakeDrops("buffer_full")),
      refused(MakeDrops("refused")),
      too_large(MakeDrops("too_large")),
      spool_full(MakeDrops("spool_full")),
      damaged(MakeDrops("damaged")),
      ahead(MakeDrops("ahead")),
      shutdown(MakeDrops("shutdown")) {}

SenderMetrics::Drops SenderMetrics::MakeDrops(const char* reason) {
  return {dropped_batches.Add({{"reason", reason}}), dropped_samples.Add({{"reason", reason}})};
}

}  // namespace leadline::agent
