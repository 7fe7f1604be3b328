#include "agent/protocols/mysql/handshake.h"

#include <cstddef>

#include "agent/protocols/mysql/packet.h"

namespace leadline::agent::protocols::mysql {
namespace {

constexpr size_t kSslRequest = 32;     // its whole length
constexpr size_t kMariadbOffset = 28;  // of MariaDB's own capabilities
constexpr size_t kStatusOffset = 17;   // from the end of the version's text

}  // namespace

bool ReadClientHello(std::string_view payload, uint32_t size, ClientHello& hello) {
  if (payload.size() < kSslRequest) return false;
  hello.capabilities = ReadLe(payload, 0, 4);
  if ((hello.capabilities & kLongPassword) == 0) {
    hello.capabilities |= ReadLe(payload, kMariadbOffset, 4) << 32;
  }
  hello.wants_ssl = (hello.capabilities & kSsl) != 0 && size == kSslRequest;
  return true;
}

uint16_t StatusOfGreeting(std::string_view payload) {
  const size_t version_end = payload.find('\0', 1);
  if (version_end == std::string_view::npos) return 0;
  return static_cast<uint16_t>(ReadLe(payload, version_end + kStatusOffset, 2));
}

}  // namespace leadline::agent::protocols::mysql
