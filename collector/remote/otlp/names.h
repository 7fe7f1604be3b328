// Names of OpenTelemetry as Prometheus has them by default: underscores for what is no letter or
// digit, units and kinds as suffixes.
//
//   http.server.request.duration, unit s, a histogram -> http_server_request_duration_seconds
//   system.network.io, unit By, a monotonic sum       -> system_network_io_bytes_total
//   k8s.pod.name                                      -> k8s_pod_name
//
// Pure functions. Source: OpenTelemetry's "Prometheus and OpenMetrics Compatibility", and
// Prometheus' translation strategy UnderscoreEscapingWithSuffixes, its default.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace leadline::collector::remote::otlp {

enum class Kind : uint8_t { kGauge, kMonotonicSum, kOther };

// "" where the name has no letter and no digit.
std::string MetricName(std::string_view name, std::string_view unit, Kind kind);

// "" where the key is empty.
std::string LabelName(std::string_view key);

// "seconds", "bytes", "meters_per_second"; what is in braces is no unit. As metadata has it.
std::string UnitName(std::string_view unit);

}  // namespace leadline::collector::remote::otlp
