// Attributes of OpenTelemetry -> labels.
//
// Pure functions. Source: OpenTelemetry's "Prometheus and OpenMetrics Compatibility".
#pragma once

#include <map>
#include <string>

#include "google/protobuf/repeated_ptr_field.h"

#include "otlp/v1/metrics.pb.h"

namespace leadline::collector::remote::otlp {

namespace pb = opentelemetry::proto::collector::metrics::v1;

using Attributes = google::protobuf::RepeatedPtrField<pb::KeyValue>;
using Labels = std::map<std::string, std::string>;

// Texts as they are, numbers and truths as text, lists and maps as JSON, bytes in base64.
std::string ValueText(const pb::AnyValue& value);

// Of keys that become one label the values are joined by ";", in the order of the keys. Empty
// values are no labels.
Labels ToLabels(const Attributes& attributes);

// A number as Go's strconv and Prometheus' labels have it: the shortest digits that read back the
// same, without an exponent.
std::string NumberText(double value);

}  // namespace leadline::collector::remote::otlp
