// What the agent asks its collector about peers that nobody on its node knows, and what it is told.
//
// Plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "common/ip_endpoint.h"
#include "common/labels.h"

namespace leadline::agent {

struct PeerQuestions {
  std::vector<IpEndpoint> asked;
  std::vector<IpEndpoint> forgotten;  // no longer of interest

  bool empty() const { return asked.empty() && forgotten.empty(); }
};

// In the place of what was told before of the same address and port.
struct PeerAnswer {
  IpEndpoint endpoint;
  std::vector<Label> labels;  // see Peer; none: nobody is known
  int64_t since_ms = 0;       // Peer::valid_from_ms
};

}  // namespace leadline::agent
