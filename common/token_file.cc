#include "common/token_file.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "common/file.h"
#include "common/status_text.h"

namespace leadline {
namespace {

constexpr size_t kMaxTokenBytes = size_t{64} << 10;

}  // namespace

absl::StatusOr<std::string> ReadTokenFile(const std::string& file) {
  auto text = ReadFile(file, kMaxTokenBytes);
  if (!text.ok()) {
    return absl::UnauthenticatedError(fmt::format("token file {}", StatusMessage(text.status())));
  }
  if (!*text) return absl::UnauthenticatedError(fmt::format("token file {} is not there", file));
  std::string token = **std::move(text);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool printable = std::all_of(token.begin(), token.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
  if (token.empty() || !printable) {
    return absl::UnauthenticatedError(fmt::format("token file {} holds no token", file));
  }
  return token;
}

}  // namespace leadline
