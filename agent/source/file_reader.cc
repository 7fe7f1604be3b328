#include "agent/source/file_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "agent/record/tape.h"

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
  const FileText file = record::Taped(record::Topic::kFile, path, [&] { return ReadNow(path); });
  if (file.error == EFBIG) {
    return absl::ResourceExhaustedError(fmt::format("{} is longer than {} bytes", path, kMaxBytes));
  }
  if (file.error != 0) return FileError("read", path, file.error);
  return file.text;
}

FileText FileReader::ReadNow(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {.error = errno};
  if (buffer_.empty()) buffer_.resize(16 << 10);
  size_t length = 0;
  int error = 0;
  while (error == 0) {
    if (length == buffer_.size()) {
      if (buffer_.size() >= kMaxBytes) {
        error = EFBIG;
        break;
      }
      buffer_.resize(buffer_.size() * 2);
    }
    const ssize_t got = read(fd, buffer_.data() + length, buffer_.size() - length);
    if (got == 0) break;
    if (got > 0) {
      length += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  close(fd);
  return {.error = error, .text = std::string_view(buffer_.data(), error == 0 ? length : 0)};
}

}  // namespace leadline::agent::source
