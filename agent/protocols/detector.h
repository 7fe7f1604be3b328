// Which protocol a connection speaks, and which side asks, by the first bytes of its writes. A
// guess that may be by chance needs the usual port or the other direction to agree; a port alone
// never decides.
//
// Pure but for what earlier chunks have shown, which Evidence keeps. Not thread-safe.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/protocols/base/connection_info.h"
#include "agent/protocols/base/protocol.h"

namespace leadline::agent::protocols {

// Weak guesses so far: bits by protocol, by direction.
struct Evidence {
  uint32_t requests[2] = {};
  uint32_t responses[2] = {};
  uint32_t either[2] = {};
};

struct Detected {
  enum class Answer : uint8_t {
    kNo,      // none of these bytes
    kMore,    // too few to tell, or a guess
    kEither,  // of a protocol, and they do not tell which side asks
    kFound,
    kEncrypted,  // TLS
  };
  Answer answer = Answer::kNo;
  base::Protocol protocol = base::Protocol::kUnknown;
  base::Direction requests = base::Direction::kEgress;  // the direction that asks
};

// What begins with `bytes`: a write or datagram.
struct Beginning {
  std::string_view bytes;
  uint64_t total = 0;  // bytes of it, seen or not
  base::Direction direction = base::Direction::kEgress;
  bool first = false;  // nothing came before, in either direction
};

Detected Detect(const Beginning& beginning, const base::ConnectionInfo& info, Evidence& evidence);

}  // namespace leadline::agent::protocols
