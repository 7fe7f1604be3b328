#include "agent/protocols/detector.h"

#include <algorithm>
#include <cstring>

#include "agent/protocols/protocol_table.h"

namespace leadline::agent::protocols {
namespace {

using base::ConnectionInfo;
using base::Direction;
using base::Other;

constexpr std::string_view kTlsHandshake("\x16\x03", 2);

bool UsesPort(const ProtocolRow& row, uint16_t port) {
  return std::find(row.ports.begin(), row.ports.end(), port) != row.ports.end();
}

}  // namespace

Detected Detect(const Beginning& beginning, const ConnectionInfo& info, Evidence& evidence) {
  const std::string_view bytes = beginning.bytes;
  const Direction direction = beginning.direction;
  if (bytes.substr(0, kTlsHandshake.size()) == kTlsHandshake) {
    return {.answer = Detected::Answer::kEncrypted};
  }
  ll_detect_head head{};
  head.size = static_cast<unsigned int>(std::min<size_t>(bytes.size(), LL_DETECT_WINDOW));
  head.total = static_cast<unsigned int>(std::min<uint64_t>(beginning.total, UINT32_MAX));
  head.first = beginning.first ? 1 : 0;
  std::memcpy(head.bytes, bytes.data(), head.size);

  const auto way = static_cast<size_t>(direction);
  const auto other = static_cast<size_t>(Other(direction));
  const unsigned int transport = info.transport == base::Transport::kTcp ? LL_TCP : LL_UDP;
  Detected detected;
  for (const ProtocolRow& row : ProtocolTable()) {
    if ((row.transports & transport) == 0) continue;
    const unsigned int answer = row.detect(head);
    if (answer == LL_DETECT_MORE) detected.answer = Detected::Answer::kMore;
    if ((answer & (LL_DETECT_REQUEST | LL_DETECT_RESPONSE)) == 0) continue;
    const uint32_t bit = uint32_t{1} << static_cast<uint32_t>(row.protocol);
    bool is_request = (answer & LL_DETECT_REQUEST) != 0;
    bool agreed = (answer & LL_DETECT_WEAK) == 0;
    if (is_request && (answer & LL_DETECT_RESPONSE) != 0) {
      evidence.either[way] |= bit;
      is_request = (evidence.responses[other] & bit) != 0;
      if (!is_request && (evidence.requests[other] & bit) == 0) {
        detected.answer = Detected::Answer::kEither;
        continue;
      }
      agreed = true;
    } else if (!agreed) {
      (is_request ? evidence.requests : evidence.responses)[way] |= bit;
      const uint32_t opposite = (is_request ? evidence.responses : evidence.requests)[other];
      agreed = ((opposite | evidence.either[other]) & bit) != 0;
    }
    const Direction requests = is_request ? direction : Other(direction);
    const uint16_t server_port =
        requests == Direction::kEgress ? info.remote_port : info.local_port;
    if (!agreed && !UsesPort(row, server_port)) {
      detected.answer = Detected::Answer::kMore;
      continue;
    }
    return {.answer = Detected::Answer::kFound, .protocol = row.protocol, .requests = requests};
  }
  return detected;
}

}  // namespace leadline::agent::protocols
