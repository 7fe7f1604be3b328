// OpenTelemetry's exponential histograms -> native ones.
//
// The same buckets by other numbers: index i of OpenTelemetry counts what is above base^i, ours up
// to base^i. Finer scales than 8 are brought to 8 by joining buckets. Pure functions. Source:
// OpenTelemetry's metrics data model, "ExponentialHistogram", and its "Prometheus and OpenMetrics
// Compatibility".
#pragma once

#include <string>

#include "collector/model/sample.h"
#include "otlp/v1/metrics.pb.h"

namespace leadline::collector::remote::otlp {

// "" or why it is none.
std::string ToNative(
    const opentelemetry::proto::collector::metrics::v1::ExponentialHistogramDataPoint& point,
    model::NativeHistogram& histogram);

}  // namespace leadline::collector::remote::otlp
