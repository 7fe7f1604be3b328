// An address and a port, as a value.
#pragma once

#include <cstdint>
#include <utility>

#include "common/ip_address.h"

namespace leadline {

struct IpEndpoint {
  IpAddress address = {};
  uint16_t port = 0;  // 0: none in particular

  bool operator==(const IpEndpoint&) const = default;
  template <typename H>
  friend H AbslHashValue(H state, const IpEndpoint& endpoint) {
    return H::combine(std::move(state), endpoint.address, endpoint.port);
  }
};

}  // namespace leadline
