#include "agent/source/file_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace leadline::agent::source {

absl::Status FileError(const char* what, const std::string& path, int error) {
  const std::string message = fmt::format("{} {}: {}", what, path, std::strerror(error));
  switch (error) {
    case ENOENT:
    case ESRCH:
    case ENODEV:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::InternalError(message);
  }
}

absl::StatusOr<std::string_view> FileReader::Read(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError("open", path, errno);
  if (buffer_.empty()) buffer_.resize(16 << 10);
  size_t length = 0;
  while (true) {
    if (length == buffer_.size()) {
      if (buffer_.size() >= kMaxBytes) {
        close(fd);
        return absl::ResourceExhaustedError(
            fmt::format("{} is longer than {} bytes", path, kMaxBytes));
      }
      buffer_.resize(buffer_.size() * 2);
    }
    const ssize_t got = read(fd, buffer_.data() + length, buffer_.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      close(fd);
      return FileError("read", path, error);
    }
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  close(fd);
  return std::string_view(buffer_.data(), length);
}

}  // namespace leadline::agent::source
