#include "common/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>

namespace leadline {
namespace {

constexpr std::array<uint8_t, 12> kMappedV4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// The first `bits` of an address.
struct Prefix {
  IpAddress address;
  int bits;
  std::string_view address_class;
};

constexpr Prefix V4(uint8_t a, uint8_t b, int bits, std::string_view address_class) {
  Prefix prefix{{}, static_cast<int>(8 * kMappedV4.size()) + bits, address_class};
  std::copy(kMappedV4.begin(), kMappedV4.end(), prefix.address.begin());
  prefix.address[kMappedV4.size()] = a;
  prefix.address[kMappedV4.size() + 1] = b;
  return prefix;
}

constexpr std::string_view kLoopback = "loopback";
constexpr std::string_view kPublic = "public";
constexpr Prefix kPrefixes[] = {
    V4(127, 0, 8, kLoopback),
    V4(10, 0, 8, "private"),
    V4(172, 16, 12, "private"),
    V4(192, 168, 16, "private"),
    V4(169, 254, 16, "link_local"),
    V4(100, 64, 10, "shared"),
    V4(224, 0, 4, "multicast"),
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, kLoopback},
    {{0xfc}, 7, "private"},
    {{0xfe, 0x80}, 10, "link_local"},
    {{0xff}, 8, "multicast"},
};

bool Holds(const Prefix& prefix, const IpAddress& address) {
  const auto whole = static_cast<size_t>(prefix.bits / 8);
  if (!std::equal(address.begin(), address.begin() + whole, prefix.address.begin())) return false;
  const int rest = prefix.bits % 8;
  return rest == 0 || (address[whole] ^ prefix.address[whole]) >> (8 - rest) == 0;
}

}  // namespace

std::optional<IpAddress> ParseIpAddress(std::string_view text) {
  const std::string terminated(text);
  IpAddress address = {};
  if (inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  std::copy(kMappedV4.begin(), kMappedV4.end(), address.begin());
  if (inet_pton(AF_INET, terminated.c_str(), address.data() + kMappedV4.size()) == 1) {
    return address;
  }
  return std::nullopt;
}

std::string ToText(const IpAddress& address) {
  if (address == IpAddress{}) return "";
  const bool v4 = std::equal(kMappedV4.begin(), kMappedV4.end(), address.begin());
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(v4 ? AF_INET : AF_INET6, address.data() + (v4 ? kMappedV4.size() : 0), text,
            sizeof(text));
  return text;
}

std::string_view AddressClass(const IpAddress& address) {
  for (const Prefix& prefix : kPrefixes) {
    if (Holds(prefix, address)) return prefix.address_class;
  }
  return kPublic;
}

bool IsLoopback(const IpAddress& address) { return AddressClass(address) == kLoopback; }

}  // namespace leadline
