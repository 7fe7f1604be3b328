// What a shard's connections counted. Plain numbers: the owning thread adds, and publishes as it
// likes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/protocols/base/input.h"
#include "agent/protocols/base/protocol.h"

namespace leadline::agent::protocols::base {

enum class LossKind : uint8_t { kBytes, kExchanges, kConnections, kEvents };

struct LossRow {
  LossKind kind;
  std::string_view reason;
  std::string_view help;
};

inline constexpr LossRow kLosses[] = {
#define LL_LOSS(id, kind, reason, help) {LossKind::kind, reason, help},
#include "agent/protocols/base/losses.def"
#undef LL_LOSS
};

struct Counters {
  struct ByProtocol {
    uint64_t records = 0;
    uint64_t partial_records = 0;  // of them: with a flag
    uint64_t connections = 0;      // on which it was found
    std::array<uint64_t, std::size(kLosses)> losses{};
  };

  ByProtocol& of(Protocol protocol) { return by_protocol[static_cast<size_t>(protocol)]; }
  const ByProtocol& of(Protocol protocol) const {
    return by_protocol[static_cast<size_t>(protocol)];
  }
  void Add(Protocol protocol, Loss loss, uint64_t count = 1) {
    of(protocol).losses[static_cast<size_t>(loss)] += count;
  }
  uint64_t Get(Protocol protocol, Loss loss) const {
    return of(protocol).losses[static_cast<size_t>(loss)];
  }

  std::array<ByProtocol, kProtocols> by_protocol{};
};

}  // namespace leadline::agent::protocols::base
