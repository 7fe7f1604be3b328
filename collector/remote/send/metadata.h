// What metrics are (type, help, unit) as messages of remote write 1.0: prometheus.WriteRequest
// without samples, as Prometheus sends it once a minute.
//
// Pure functions. Source: Prometheus' prompb, which the specification of remote write 1.0 leaves
// metadata to.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collector/model/metric_metadata.h"

namespace leadline::collector::remote::send {

inline constexpr size_t kMaxMetricsPerMessage = 2000;

struct MetadataMessage {
  std::string bytes;
  size_t metrics = 0;
};

std::vector<MetadataMessage> MetadataMessages(const model::MetricMetadata::Entries& entries);

}  // namespace leadline::collector::remote::send
