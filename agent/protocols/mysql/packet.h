// MySQL's packets: a length of three bytes, a number, and the payload; and the numbers in them.
// Little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::mysql {

inline constexpr size_t kPacketHeader = 4;
// A payload of this length goes on in the next packet.
inline constexpr uint32_t kMaxPayload = 0xffffff;

struct Packet {
  uint32_t size = 0;
  uint8_t number = 0;
};

inline uint64_t ReadLe(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size && at + i < bytes.size(); ++i) {
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return value;
}

// False when there is not enough at `at`.
inline bool ReadPacket(std::string_view bytes, size_t at, Packet& packet) {
  if (bytes.size() - at < kPacketHeader) return false;
  packet = {.size = static_cast<uint32_t>(ReadLe(bytes, at, 3)),
            .number = static_cast<uint8_t>(bytes[at + 3])};
  return true;
}

// A number of variable length; false for what is none. `bytes` begins behind it afterwards.
inline bool TakeNumber(std::string_view& bytes, uint64_t& value) {
  if (bytes.empty()) return false;
  const auto first = static_cast<unsigned char>(bytes.front());
  const size_t size = first < 251 ? 0 : first == 252 ? 2 : first == 253 ? 3 : first == 254 ? 8 : 9;
  if (size == 9 || bytes.size() < 1 + size) return false;
  value = size == 0 ? first : ReadLe(bytes, 1, size);
  bytes.remove_prefix(1 + size);
  return true;
}

}  // namespace leadline::agent::protocols::mysql
