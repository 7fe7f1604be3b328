// A bearer token from a file.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace leadline {

// The token in `file`, without the line's end. UNAUTHENTICATED names the file that is not there,
// cannot be read, or holds something else.
absl::StatusOr<std::string> ReadTokenFile(const std::string& file);

}  // namespace leadline
