// Instant selectors: series from the store, brought to the query's steps.
//
// At t there is the newest sample in (t - look-back, t], nothing after a staleness marker.
// Source: Prometheus 3, which leaves the left end out.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// What time a selector or subquery looks at for a step: shifted by "offset", fixed by "@".
int64_t ReferenceTime(const Context& context, const parse::TimeModifier& modifier, size_t step);

// Hands each selected series to `use`, with the samples that any step sees when it looks back for
// `range_ms` and ahead for `ahead_ms`, staleness markers included. `parent`: the function or
// aggregation over the selector, or "", as a hint to the store.
absl::Status SelectBlocks(Context& context, const parse::VectorSelector& selector, int64_t range_ms,
                          std::string_view parent,
                          absl::FunctionRef<absl::Status(store::SeriesBlock)> use,
                          int64_t ahead_ms = 0);

enum class What : uint8_t { kValues, kTimestamps };

// The samples, or when they were taken, in seconds.
absl::Status SelectInstant(Context& context, const parse::VectorSelector& selector,
                           std::string_view parent, What what, Emit emit);

}  // namespace leadline::collector::promql::exec
