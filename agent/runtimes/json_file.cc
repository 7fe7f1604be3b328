#include "agent/runtimes/json_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::agent::runtimes {
namespace {

namespace json = boost::json;

absl::Status FileError(int error, const char* what, const std::string& path) {
  // A link that is not followed is somebody's trick.
  if (error == ELOOP) return absl::InvalidArgumentError(fmt::format("{} is a link", path));
  return absl::ErrnoToStatus(error, fmt::format("{} {}", what, path));
}

absl::StatusOr<std::string> ReadAll(int fd, const std::string& path, size_t max_bytes) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return FileError(errno, "stat", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::InvalidArgumentError(fmt::format("{} is no regular file", path));
  }
  std::string text;
  while (text.size() <= max_bytes) {
    const size_t begin = text.size();
    text.resize(begin + (64 << 10));
    const ssize_t got = read(fd, text.data() + begin, text.size() - begin);
    if (got < 0) return FileError(errno, "read", path);
    text.resize(begin + static_cast<size_t>(got));
    if (got == 0) return text;
  }
  return absl::ResourceExhaustedError(fmt::format("{} is longer than {} bytes", path, max_bytes));
}

absl::StatusOr<json::value> ReadJson(const std::string& path, size_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return FileError(errno, "open", path);
  absl::StatusOr<std::string> text = ReadAll(fd, path, max_bytes);
  close(fd);
  LL_RETURN_IF_ERROR(text.status());
  json::parse_options options;
  options.max_depth = kMaxStateDepth;
  json::error_code error;
  json::value value = json::parse(*text, error, {}, options);
  if (error) {
    return absl::InvalidArgumentError(fmt::format("{} is no JSON: {}", path, error.message()));
  }
  return value;
}

}  // namespace

absl::StatusOr<json::object> ReadJsonFile(const std::string& path, size_t max_bytes) {
  LL_ASSIGN_OR_RETURN(json::value value, ReadJson(path, max_bytes));
  if (!value.is_object()) {
    return absl::InvalidArgumentError(fmt::format("{} is no JSON object", path));
  }
  return std::move(value.get_object());
}

absl::StatusOr<json::array> ReadJsonArray(const std::string& path, size_t max_bytes) {
  LL_ASSIGN_OR_RETURN(json::value value, ReadJson(path, max_bytes));
  if (!value.is_array()) {
    return absl::InvalidArgumentError(fmt::format("{} is no JSON array", path));
  }
  return std::move(value.get_array());
}

const json::object* ObjectIn(const json::object* parent, std::string_view key) {
  const json::value* value = parent == nullptr ? nullptr : parent->if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

std::string_view TextIn(const json::object* parent, std::string_view key) {
  const json::value* value = parent == nullptr ? nullptr : parent->if_contains(key);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  if (text == nullptr || text->size() > kMaxNameBytes) return {};
  return {text->data(), text->size()};
}

}  // namespace leadline::agent::runtimes
