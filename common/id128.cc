#include "common/id128.h"

#include <xxhash.h>

#include <fmt/format.h>

namespace leadline {
namespace {

void AppendBigEndian(uint64_t value, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

uint64_t ReadBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

}  // namespace

std::string Id128::ToBytes() const {
  std::string bytes;
  bytes.reserve(16);
  AppendBigEndian(high, bytes);
  AppendBigEndian(low, bytes);
  return bytes;
}

std::optional<Id128> Id128::FromBytes(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  return Id128{ReadBigEndian(bytes.substr(0, 8)), ReadBigEndian(bytes.substr(8))};
}

std::string Id128::ToHex() const { return fmt::format("{:016x}{:016x}", high, low); }

Id128 HashId(std::initializer_list<std::string_view> parts) {
  std::string framed;
  for (std::string_view part : parts) {
    AppendBigEndian(part.size(), framed);
    framed.append(part);
  }
  const XXH128_hash_t hash = XXH3_128bits(framed.data(), framed.size());
  return Id128{hash.high64, hash.low64};
}

}  // namespace leadline
