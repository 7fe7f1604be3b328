// The protocols as an enum and their names, from protocols.def.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::base {

enum class Protocol : uint8_t {
  kUnknown,
#define LL_PROTOCOL(id, folder, name, transports, ...) k##id,
#include "agent/protocols/base/protocols.def"
#undef LL_PROTOCOL
};

inline constexpr size_t kProtocols = 1
#define LL_PROTOCOL(id, folder, name, transports, ...) +1
#include "agent/protocols/base/protocols.def"
#undef LL_PROTOCOL
    ;

// Of the folder: what counters and goldens say.
constexpr std::string_view ProtocolKey(Protocol protocol) {
  constexpr std::string_view kKeys[] = {
      "unknown",
#define LL_PROTOCOL(id, folder, name, transports, ...) #folder,
#include "agent/protocols/base/protocols.def"
#undef LL_PROTOCOL
  };
  return kKeys[static_cast<size_t>(protocol)];
}

// OpenTelemetry's name.
constexpr std::string_view ProtocolName(Protocol protocol) {
  constexpr std::string_view kNames[] = {
      "",
#define LL_PROTOCOL(id, folder, name, transports, ...) name,
#include "agent/protocols/base/protocols.def"
#undef LL_PROTOCOL
  };
  return kNames[static_cast<size_t>(protocol)];
}

}  // namespace leadline::agent::protocols::base
