// OpenTelemetry's metrics -> series and samples as Prometheus 3 makes them of OTLP, in the form of
// a write request.
//
// - Names and units: names.h. The resource's service.name (behind service.namespace and a slash)
//   becomes `job`, service.instance.id `instance`; its other attributes are labels of target_info,
//   which is 1 for as long as the resource has samples. A point's attributes are labels; those that
//   get the same name share one, their values joined by ";".
// - Gauges and sums: a series; a monotonic sum has the suffix _total. Histograms: classic series
//   (_bucket with le, _sum, _count). Exponential histograms: native ones, of schema 8 where the
//   scale is finer. Summaries: a series a quantile, _sum and _count. Points without a value are
//   staleness markers.
// - Exemplars belong to the series of their point, those of a classic histogram to the bucket that
//   their value is in; exemplars.h.
// - Rejected, each point counted and the first in words: delta temporality (a cumulative one is
//   what an SDK sends to Prometheus), scales below -4, buckets that do not fit.
//
// Bounds: a request is bounded by who reads it. A plain function; the request refers to `message`
// and to what it gathered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/remote/write/request.h"
#include "otlp/v1/metrics.pb.h"

namespace leadline::collector::remote::otlp {

namespace pb = opentelemetry::proto::collector::metrics::v1;

// Of a series that is no point's: of target_info.
inline constexpr uint32_t kNoPoint = UINT32_MAX;

struct Translated {
  write::Request request;
  std::vector<uint32_t> point_of_series;  // by series of the request; kNoPoint: none
  uint32_t points = 0;                    // those in the request
  uint64_t exemplars = 0;                 // of all points
  uint64_t rejected = 0;                  // points that are not in the request
  std::string error;                      // why the first of them are not
};

Translated Translate(const pb::ExportMetricsServiceRequest& message);

}  // namespace leadline::collector::remote::otlp
