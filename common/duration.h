// Durations as Prometheus writes them: "30d", "1h30m", "500ms", "0".
//
// Units in falling order, each once: y (365 d), w, d, h, m, s, ms. Source: Prometheus
// documentation, "Querying basics", float literals and time durations. Thread-safe.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace leadline {

// INVALID_ARGUMENT quotes what is not a duration or is longer than 292 years.
absl::StatusOr<absl::Duration> ParseDuration(std::string_view text);

}  // namespace leadline
