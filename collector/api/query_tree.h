// A query's syntax tree as /api/v1/parse_query gives it.
//
// Source: what Prometheus 3 answers there, in the order in which it has the keys. INVALID_ARGUMENT,
// with line and column, where the text is no query. Pure function.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace leadline::collector::api {

// As JSON.
absl::StatusOr<std::string> QueryTree(std::string_view query);

}  // namespace leadline::collector::api
