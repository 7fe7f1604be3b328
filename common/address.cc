#include "common/address.h"

#include <charconv>

#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline {

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  const absl::Status invalid = absl::InvalidArgumentError(
      fmt::format("\"{}\" is not host:port, as in 127.0.0.1:7070 or [::1]:7070", text));
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]/") != std::string_view::npos) {
    return invalid;
  }
  const std::string_view digits = text.substr(colon + 1);
  HostPort parsed{.host = std::string(host)};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), parsed.port);
  if (error != std::errc() || end != digits.data() + digits.size()) return invalid;
  return parsed;
}

absl::StatusOr<HostPort> ParseTarget(std::string_view text) {
  LL_ASSIGN_OR_RETURN(HostPort target, ParseHostPort(text));
  if (target.host.empty()) {
    return absl::InvalidArgumentError(fmt::format("\"{}\" names no host to connect to", text));
  }
  if (target.port == 0) {
    return absl::InvalidArgumentError(
        fmt::format("\"{}\" has port 0, to which nothing can connect", text));
  }
  return target;
}

}  // namespace leadline
