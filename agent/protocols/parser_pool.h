// Parsers between two connections: they keep their memory, so that connections that come and go
// allocate nothing.
//
// Not thread-safe. One for each shard.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "agent/protocols/base/parser.h"
#include "agent/protocols/base/protocol.h"

namespace leadline::agent::protocols {

class ParserPool {
 public:
  // REQUIRES: protocol is not kUnknown
  std::unique_ptr<base::Parser> Take(base::Protocol protocol);
  // Ends it.
  void Return(base::Protocol protocol, std::unique_ptr<base::Parser> parser);

 private:
  static constexpr size_t kKept = 64;  // of a protocol

  std::array<std::vector<std::unique_ptr<base::Parser>>, base::kProtocols> kept_;
};

}  // namespace leadline::agent::protocols
