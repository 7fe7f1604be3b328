// What the beginning of a MySQL connection tells of the rest of it.
// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
#pragma once

#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::mysql {

enum Capability : uint64_t {
  kLongPassword = 1,  // MariaDB's clients leave it out to say that they have its own capabilities
  kCompress = 1 << 5,
  kSsl = 1 << 11,
  kMetadataOptional = 1 << 25,
  kZstd = 1 << 26,
  kQueryAttributes = 1 << 27,
  kMariadbCacheMetadata = uint64_t{1} << 36,
};

enum Status : uint16_t {
  kMoreResults = 0x0008,
  kCursorExists = 0x0040,
  kNoBackslashEscapes = 0x0200,
};

// Of a client's first packet.
struct ClientHello {
  uint64_t capabilities = 0;
  bool wants_ssl = false;  // nothing else is in it
};

// `payload` begins one of `size` bytes. False for what is none.
bool ReadClientHello(std::string_view payload, uint32_t size, ClientHello& hello);

// The server's status in its greeting, 0 where it has none.
uint16_t StatusOfGreeting(std::string_view payload);

}  // namespace leadline::agent::protocols::mysql
