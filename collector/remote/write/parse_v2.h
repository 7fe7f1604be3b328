// Remote write 2.0: io.prometheus.write.v2.Request as bytes -> Request.
//
// Names, values and metadata are numbers of symbols, a table that the request brings along. Of a
// series' labels Series::labels has the numbers as they came, and the key is made of the symbols'
// hashes, so that a known series costs a look-up for each number and no text.
//
// Errors: INVALID_ARGUMENT where the bytes are no such message, a number is of no symbol, or a name
// has no value. Pure
// functions. Source: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/; of samples and
// histograms the start timestamp too, which took the place of the series' created timestamp.
#pragma once

#include <string_view>

#include "absl/status/status.h"

#include "collector/remote/write/request.h"
#include "collector/remote/write/series_labels.h"

namespace leadline::collector::remote::write {

// Adds to `request`, which refers to `message`.
absl::Status ParseV2(std::string_view message, Request& request);

// The names and values of Series::labels, in the order in which they came; where there are more
// than a series may have, the first ones and one too many.
// REQUIRES: they are of a request that was parsed.
RawLabels ReadLabelsV2(const Request& request, std::string_view labels);

}  // namespace leadline::collector::remote::write
