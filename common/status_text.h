// The text of a Status for fmt and spdlog, which do not know Abseil's string_view.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace leadline {

// Valid as long as `status`.
inline std::string_view StatusMessage(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace leadline
