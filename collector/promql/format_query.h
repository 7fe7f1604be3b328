// A query laid out for people to read, as the HTTP API's format_query has it.
//
// INVALID_ARGUMENT, with line and column, where it is no query. Pure function.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace leadline::collector::promql {

absl::StatusOr<std::string> FormatQuery(std::string_view query);

}  // namespace leadline::collector::promql
