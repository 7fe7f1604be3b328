// How the collector answered a query, as a tree for people.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

namespace leadline::cli {

// INVALID_ARGUMENT with the server's text where it refused; INTERNAL where `body` is no answer of
// /api/v2/explain.
absl::StatusOr<std::string> ExplanationText(std::string_view body);

}  // namespace leadline::cli
