// The protocols with what their folders offer, a row each: base/protocols.def. Constant;
// thread-safe.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/types/span.h"

#include "agent/protocols/base/detect.h"
#include "agent/protocols/base/parser.h"
#include "agent/protocols/base/protocol.h"

namespace leadline::agent::protocols {

struct ProtocolRow {
  base::Protocol protocol;
  uint8_t transports;  // LL_TCP, LL_UDP
  absl::Span<const uint16_t> ports;
  unsigned int (*detect)(const ll_detect_head& head);
  std::unique_ptr<base::Parser> (*new_parser)();
};

// In the order of the enum, without kUnknown.
absl::Span<const ProtocolRow> ProtocolTable();

}  // namespace leadline::agent::protocols
