// Who is at the other end of a connection.
#pragma once

#include <cstdint>
#include <memory>

#include "common/ip_address.h"
#include "common/labels.h"

namespace leadline::agent {

// Immutable once it is shared.
struct Peer {
  LabelSet labels;  // peer_type, and what is known of such a peer
  // From when on it has the address, in milliseconds since the Unix epoch; 0: for as long as
  // anything is known of that.
  int64_t valid_from_ms = 0;
};

// Not thread-safe.
class PeerNames {
 public:
  PeerNames() = default;
  PeerNames(const PeerNames&) = delete;
  PeerNames& operator=(const PeerNames&) = delete;
  virtual ~PeerNames() = default;

  // Who has the address: the same object as before while that is the same, nullptr where nobody is
  // known. `port`: what the peer listens on; 0 where it has connected.
  virtual std::shared_ptr<const Peer> PeerAt(const IpAddress& address, uint16_t port) = 0;
};

}  // namespace leadline::agent
