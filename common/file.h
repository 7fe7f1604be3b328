// Small files as a whole.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace leadline {

// nullopt where there is no such file. INVALID_ARGUMENT "FILE: why" when it cannot be read or is
// longer than `max_bytes`.
absl::StatusOr<std::optional<std::string>> ReadFile(const std::string& file, size_t max_bytes);

}  // namespace leadline
