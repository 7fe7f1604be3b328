// A series selector on its own, as the match[] parameters of the HTTP API have it.
//
// INVALID_ARGUMENT, with line and column, where the text is anything else. Pure function.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "collector/store/store.h"

namespace leadline::collector::promql {

absl::StatusOr<std::vector<store::Matcher>> ParseSeriesSelector(std::string_view text);

}  // namespace leadline::collector::promql
