// How many samples there are up to each of many times that are as far apart, as the ends of windows
// are. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace leadline::collector::promql {

// counts[i]: how many of the timestamps, which ascend, are at or before first_ms + i * step_ms.
// Where samples are about as far apart as they were it takes a few looks and no search.
void CountUpTo(absl::Span<const int64_t> ts_ms, int64_t first_ms, int64_t step_ms,
               absl::Span<uint32_t> counts);

}  // namespace leadline::collector::promql
