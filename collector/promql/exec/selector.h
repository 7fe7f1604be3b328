// Selectors: series from the store, brought to the query's steps.
//
// An instant selector gives at t the newest sample in (t - look-back, t], nothing after a staleness
// marker. A range selector gives the samples in (t - range, t], without staleness markers.
// Source: Prometheus 3, which leaves the left end out.
#pragma once

#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/functions/window.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// `parent`: the function or aggregation over the selector, or "", as a hint to the store.
absl::Status SelectInstant(Context& context, const parse::VectorSelector& selector,
                           std::string_view parent, Emit emit);

// For each series its value at each step by `kernel`. Does not look at whether labels are distinct.
absl::Status SelectRange(Context& context, const parse::MatrixSelector& selector,
                         const Function& function, RangeKernel kernel, Emit emit);

// The samples themselves, of an instant query.
absl::StatusOr<std::vector<ResultSeries>> SelectRaw(Context& context,
                                                    const parse::MatrixSelector& selector);

}  // namespace leadline::collector::promql::exec
