// The programs' log: one line an event on standard error, as logfmt (ts=… level=… msg="…", with
// quotation marks, backslashes and control characters escaped as in JSON).
//
// Use spdlog's functions (spdlog::info("…", …)); SetUpLog sets the format and the level. Messages
// say what happened to what, with the values that matter. Thread-safe.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace leadline {

// `level`: debug, info, warn or error; INVALID_ARGUMENT for another word.
absl::Status SetUpLog(std::string_view program, std::string_view level);

}  // namespace leadline
