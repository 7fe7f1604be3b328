#include "collector/remote/write/write_metrics.h"

namespace leadline::collector::remote::write {
namespace {

prometheus::Counter& AddCounter(prometheus::Registry& registry, const char* name,
                                const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

WriteMetrics::WriteMetrics(prometheus::Registry& registry)
    : requests_(AddCounter(registry, "leadline_collector_remote_write_requests_total",
                           "Write requests that were read.")),
      body_bytes_(AddCounter(registry, "leadline_collector_remote_write_body_bytes_total",
                             "Bytes of write requests as they came.")),
      message_bytes_(AddCounter(registry, "leadline_collector_remote_write_message_bytes_total",
                                "Bytes of write requests unpacked.")),
      samples_(AddCounter(registry, "leadline_collector_remote_write_samples_total",
                          "Float samples of write requests that are durable.")),
      histograms_(AddCounter(registry, "leadline_collector_remote_write_histograms_total",
                             "Native histograms of write requests that are durable.")),
      exemplars_(AddCounter(registry, "leadline_collector_remote_write_exemplars_dropped_total",
                            "Exemplars of write requests, which are not kept.")),
      zeros_(AddCounter(registry, "leadline_collector_remote_write_created_zeros_total",
                        "Samples of 0 that were added where a counter began shortly before its "
                        "first sample.")),
      metadata_dropped_(AddCounter(registry,
                                   "leadline_collector_remote_write_metadata_dropped_total",
                                   "Descriptions of metrics that were not kept: there are too "
                                   "many, or their text is not UTF-8.")),
      new_series_(AddCounter(registry, "leadline_collector_remote_write_series_looked_into_total",
                             "Series of write requests whose labels were read because they were "
                             "not known by their bytes.")) {
  auto& rejections = prometheus::BuildCounter()
                         .Name("leadline_collector_remote_write_rejected_samples_total")
                         .Help(
                             "Samples of write requests that can never be taken, by reason; the "
                             "rest of their requests was taken.")
                         .Register(registry);
  for (size_t i = 0; i < kReasons; ++i) {
    rejections_[i] = &rejections.Add({{"reason", kReasonNames[i]}});
  }
  auto& failures = prometheus::BuildCounter()
                       .Name("leadline_collector_remote_write_failed_requests_total")
                       .Help("Write requests of which nothing was taken, by reason.")
                       .Register(registry);
  for (size_t i = 0; i < kFailures; ++i) {
    failures_[i] = &failures.Add({{"reason", kFailureNames[i]}});
  }
}

void WriteMetrics::CountRequest(size_t body_bytes, size_t message_bytes) {
  requests_.Increment();
  body_bytes_.Increment(static_cast<double>(body_bytes));
  message_bytes_.Increment(static_cast<double>(message_bytes));
}

void WriteMetrics::CountTaken(const BatchCounts& counts) {
  samples_.Increment(static_cast<double>(counts.samples));
  histograms_.Increment(static_cast<double>(counts.histograms));
  exemplars_.Increment(static_cast<double>(counts.exemplars));
  zeros_.Increment(static_cast<double>(counts.zeros));
}

void WriteMetrics::CountRejections(const Rejections& rejections) {
  for (size_t i = 0; i < kReasons; ++i) {
    rejections_[i]->Increment(static_cast<double>(rejections.count(static_cast<Reason>(i))));
  }
}

}  // namespace leadline::collector::remote::write
