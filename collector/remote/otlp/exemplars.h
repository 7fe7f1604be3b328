// Exemplars of OpenTelemetry -> what a write request has of them, as Prometheus makes them of OTLP.
//
// The ids of trace and span become the labels trace_id and span_id, in hexadecimal digits; the
// attributes that the point does not have are labels under their own names, unless there would be
// more characters than an exemplar may have: then they are left out. Pure functions.
#pragma once

#include <cstdint>

#include "collector/remote/otlp/attributes.h"
#include "otlp/v1/metrics.pb.h"

namespace leadline::collector::remote::otlp {

double ValueOf(const pb::Exemplar& exemplar);
Labels LabelsOf(const pb::Exemplar& exemplar);

// Of all points of a metric.
uint64_t CountExemplars(const pb::Metric& metric);

}  // namespace leadline::collector::remote::otlp
