// All rows of a window that nobody has open, for those who look into it.
#pragma once

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace leadline::collector::store::window {

// Calls `visit` with each row, in the order of the keys, until it returns an error, which is passed
// on. Nothing is written. DATA_LOSS for damage, with the path; what comes before it is visited.
absl::Status WalkRows(
    const std::string& path,
    absl::FunctionRef<absl::Status(std::string_view key, std::string_view value)> visit);

}  // namespace leadline::collector::store::window
