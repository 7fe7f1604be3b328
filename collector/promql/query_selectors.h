// The selectors of a query, wherever in it they are, for who asks what it is about rather than for
// its result.
//
// INVALID_ARGUMENT, with line and column, where it is no query. Pure function.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "collector/store/store.h"

namespace leadline::collector::promql {

// In the order in which they stand, but for those in info()'s second argument, which may select
// nothing by themselves.
absl::StatusOr<std::vector<std::vector<store::Matcher>>> ParseQuerySelectors(
    std::string_view query);

}  // namespace leadline::collector::promql
