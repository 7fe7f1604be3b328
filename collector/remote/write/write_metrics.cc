#include "collector/remote/write/write_metrics.h"

namespace leadline::collector::remote::write {
// Counters of one protocol.
class WriteMetrics::Counters {
 public:
  Counters(prometheus::Registry& registry, const char* protocol)
      : registry_(registry), protocol_(protocol) {}

  prometheus::Counter& Add(const char* name, const char* help) const {
    return Family(name, help).Add({{"protocol", protocol_}});
  }
  prometheus::Counter& Add(const char* name, const char* help, const char* reason) const {
    return Family(name, help).Add({{"protocol", protocol_}, {"reason", reason}});
  }

 private:
  prometheus::Family<prometheus::Counter>& Family(const char* name, const char* help) const {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
  }

  prometheus::Registry& registry_;
  const char* const protocol_;
};

WriteMetrics::WriteMetrics(prometheus::Registry& registry, const char* protocol)
    : WriteMetrics(Counters(registry, protocol)) {}

WriteMetrics::WriteMetrics(const Counters& counters)
    : requests_(counters.Add("leadline_collector_remote_requests_total",
                             "Requests to write that were read.")),
      body_bytes_(counters.Add("leadline_collector_remote_body_bytes_total",
                               "Bytes of requests to write as they came.")),
      message_bytes_(counters.Add("leadline_collector_remote_message_bytes_total",
                                  "Bytes of requests to write unpacked.")),
      samples_(counters.Add("leadline_collector_remote_samples_total",
                            "Float samples of others that are durable.")),
      histograms_(counters.Add("leadline_collector_remote_histograms_total",
                               "Native histograms of others that are durable.")),
      exemplars_(counters.Add("leadline_collector_remote_exemplars_total",
                              "Exemplars of others that are durable.")),
      zeros_(counters.Add("leadline_collector_remote_created_zeros_total",
                          "Samples of 0 that were added where a counter began shortly before its "
                          "first sample, or was reset as its start timestamp says.")),
      metadata_dropped_(counters.Add("leadline_collector_remote_metadata_dropped_total",
                                     "Descriptions of metrics that were not kept: there are too "
                                     "many, or their text is not UTF-8.")),
      new_series_(counters.Add("leadline_collector_remote_series_looked_into_total",
                               "Series whose labels were read because they were not known by "
                               "their bytes.")) {
  for (size_t i = 0; i < kReasons; ++i) {
    rejections_[i] = &counters.Add("leadline_collector_remote_rejected_samples_total",
                                   "Samples (of OTLP: points, where they have no form here) that "
                                   "can never be taken, by reason; the rest of their requests was "
                                   "taken.",
                                   kReasonNames[i]);
  }
  for (size_t i = 0; i < kDroppedExemplars; ++i) {
    dropped_exemplars_[i] =
        &counters.Add("leadline_collector_remote_exemplars_dropped_total",
                      "Exemplars that can never be kept, by reason; what is beside them was taken.",
                      kDroppedExemplarNames[i]);
  }
  for (size_t i = 0; i < kFailures; ++i) {
    failures_[i] =
        &counters.Add("leadline_collector_remote_failed_requests_total",
                      "Requests to write of which nothing was taken, by reason.", kFailureNames[i]);
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
  exemplars_.Increment(static_cast<double>(counts.exemplars.kept));
  for (size_t i = 0; i < kDroppedExemplars; ++i) {
    dropped_exemplars_[i]->Increment(static_cast<double>(counts.exemplars.dropped[i]));
  }
  zeros_.Increment(static_cast<double>(counts.zeros + counts.histogram_zeros));
}

void WriteMetrics::CountRejections(const Rejections& rejections) {
  for (size_t i = 0; i < kReasons; ++i) {
    rejections_[i]->Increment(static_cast<double>(rejections.count(static_cast<Reason>(i))));
  }
}

}  // namespace leadline::collector::remote::write
