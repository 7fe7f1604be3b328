#include "collector/remote/send/send_metrics.h"

namespace leadline::collector::remote::send {
namespace {

prometheus::Counter& SendCounter(prometheus::Registry& registry, const char* name,
                                 const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Gauge& SendGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Counter& DroppedCounter(prometheus::Registry& registry, const char* reason) {
  return prometheus::BuildCounter()
      .Name("leadline_collector_remote_send_dropped_samples_total")
      .Help("Samples that are in the store and are not sent, by reason.")
      .Register(registry)
      .Add({{"reason", reason}});
}

}  // namespace

SendMetrics::SendMetrics(prometheus::Registry& registry)
    : samples(SendCounter(registry, "leadline_collector_remote_send_samples_total",
                          "Samples that the target of remote write has taken.")),
      bytes(SendCounter(registry, "leadline_collector_remote_send_bytes_total",
                        "Bytes of requests that the target of remote write has taken.")),
      requests(SendCounter(registry, "leadline_collector_remote_send_requests_total",
                           "Requests to the target of remote write.")),
      retries(SendCounter(registry, "leadline_collector_remote_send_retries_total",
                          "Requests that failed and are made again.")),
      rejected(SendCounter(registry, "leadline_collector_remote_send_rejected_samples_total",
                           "Samples of requests that the target has refused for good.")),
      metadata(SendCounter(registry, "leadline_collector_remote_send_metadata_total",
                           "Metrics whose type, help and unit the target of remote write has "
                           "taken, each as often as it was sent.")),
      failed_metadata(SendCounter(registry, "leadline_collector_remote_send_failed_metadata_total",
                                  "The same that it has not taken; all of it is sent again.")),
      given_up_segments(SendCounter(registry,
                                    "leadline_collector_remote_send_given_up_segments_total",
                                    "Segments of the log that were given up, or were missing, "
                                    "before they were sent.")),
      read_errors(SendCounter(registry, "leadline_collector_remote_send_read_errors_total",
                              "Times that the log could not be read.")),
      kept_bytes(SendGauge(registry, "leadline_collector_remote_send_kept_bytes",
                           "Bytes of the log that are kept for remote write alone.")),
      newest_seconds(SendGauge(registry, "leadline_collector_remote_send_newest_timestamp_seconds",
                               "The newest time of a sample that the target has taken.")),
      unknown_entity(DroppedCounter(registry, "unknown_entity")),
      histograms_off(DroppedCounter(registry, "histograms_off")),
      undefined_series(DroppedCounter(registry, "undefined_series")),
      damage(SendCounter(registry, "leadline_collector_remote_send_damage_total",
                         "Damaged places of the log that were passed over.")) {}

void SendMetrics::Count(const ReadCounts& counts) {
  unknown_entity.Increment(static_cast<double>(counts.unknown_entity));
  histograms_off.Increment(static_cast<double>(counts.histograms_off));
  undefined_series.Increment(static_cast<double>(counts.undefined_series));
  damage.Increment(static_cast<double>(counts.damage));
  given_up_segments.Increment(static_cast<double>(counts.missing_segments));
}

}  // namespace leadline::collector::remote::send
