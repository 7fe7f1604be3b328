// The labels of a series or an exemplar of a request, whichever version it came in.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

#include "collector/remote/write/request.h"
#include "collector/remote/write/series_labels.h"

namespace leadline::collector::remote::write {

// Views are into the request. INVALID_ARGUMENT where the bytes are no labels.
// REQUIRES: the request was parsed, and number < request.series.size().
absl::StatusOr<RawLabels> ReadLabels(const Request& request, size_t number);

// Of labels as they came: of a series of the request, or an exemplar.
absl::StatusOr<RawLabels> ReadLabels(const Request& request, std::string_view labels);

// As Describe(), for a text about the series; {} where the bytes are no labels.
std::string DescribeSeries(const Request& request, size_t number);

}  // namespace leadline::collector::remote::write
