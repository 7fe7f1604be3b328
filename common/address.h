// A network address as people write it: host:port.
//
// Errors: INVALID_ARGUMENT quotes the text and says what is expected. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace leadline {

struct HostPort {
  std::string host;  // without the brackets of an IPv6 address; "" when none is given
  uint16_t port = 0;

  bool operator==(const HostPort&) const = default;
};

// "host:port", "[v6]:port" or ":port". Names are not resolved.
absl::StatusOr<HostPort> ParseHostPort(std::string_view text);

// The same of something to connect to: it has a host, and a port other than 0.
absl::StatusOr<HostPort> ParseTarget(std::string_view text);

}  // namespace leadline
