// Reads the small text files of /proc and of cgroups, whole, into a buffer that is used again.
//
// Not thread-safe: each thread has its own reader. What Read returns is valid until the next Read.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "agent/source/node_files.h"

namespace leadline::agent::source {

// "<what> <path>: <strerror>": NOT_FOUND for what is gone (ENOENT, ESRCH, ENODEV, ENOTDIR),
// PERMISSION_DENIED for EACCES and EPERM, INTERNAL for the rest.
absl::Status FileError(const char* what, const std::string& path, int error);

class FileReader {
 public:
  // NOT_FOUND when the file or what it describes is gone (ENOENT, ESRCH, ENODEV),
  // PERMISSION_DENIED, RESOURCE_EXHAUSTED when it is longer than kMaxBytes, INTERNAL for the rest;
  // the text names the path.
  absl::StatusOr<std::string_view> Read(const std::string& path);

  static constexpr size_t kMaxBytes = 4 << 20;

 private:
  FileText ReadNow(const std::string& path);

  std::string buffer_;
};

}  // namespace leadline::agent::source
