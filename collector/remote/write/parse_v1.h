// Remote write 1.0: prometheus.WriteRequest as bytes -> Request.
//
// Errors: INVALID_ARGUMENT where the bytes are no such message. Labels are looked into by
// ReadLabelsV1 alone, for series that are not known; Series::labels are their fields as they came.
// Pure functions. Source: https://prometheus.io/docs/specs/prw/remote_write_spec/.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/remote/write/request.h"
#include "collector/remote/write/series_labels.h"

namespace leadline::collector::remote::write {

// Adds to `request`, which refers to `message`.
absl::Status ParseV1(std::string_view message, Request& request);

// The names and values in Series::labels, in the order in which they came; where there are more
// than a series may have, the first ones and one too many.
absl::StatusOr<RawLabels> ReadLabelsV1(std::string_view labels);

}  // namespace leadline::collector::remote::write
