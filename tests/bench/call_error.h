// An error for a system call that failed.
#pragma once

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace leadline::bench {

// INTERNAL with the call and errno.
inline absl::Status CallError(const char* call) {
  return absl::InternalError(fmt::format("{}: {}", call, std::strerror(errno)));
}

}  // namespace leadline::bench
