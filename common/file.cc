#include "common/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>

namespace leadline {

absl::StatusOr<std::optional<std::string>> ReadFile(const std::string& file, size_t max_bytes) {
  const std::unique_ptr<FILE, int (*)(FILE*)> in(std::fopen(file.c_str(), "re"), std::fclose);
  if (in == nullptr && errno == ENOENT) return std::nullopt;
  std::string text(max_bytes + 1, '\0');  // one more, so that what is too long is seen to be
  if (in != nullptr) text.resize(std::fread(text.data(), 1, text.size(), in.get()));
  if (in == nullptr || std::ferror(in.get()) != 0) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", file, std::strerror(errno)));
  }
  if (text.size() > max_bytes) {
    return absl::InvalidArgumentError(fmt::format("{}: is longer than {} bytes", file, max_bytes));
  }
  return text;
}

}  // namespace leadline
