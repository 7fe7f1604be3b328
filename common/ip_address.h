// IP addresses as values: as text, and what an address tells by itself.
//
// Pure and thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leadline {

// IPv6, in network order; IPv4 as ::ffff:a.b.c.d. All 0: no address.
using IpAddress = std::array<uint8_t, 16>;

// "10.0.0.1", "fd00::1"; nullopt for anything else.
std::optional<IpAddress> ParseIpAddress(std::string_view text);

// The same the other way round; "" without an address.
std::string ToText(const IpAddress& address);

// Whether it means the host that it is used on (RFC 1122 3.2.1.3, RFC 4291 2.5.3).
bool IsLoopback(const IpAddress& address);

// What kind of network it belongs to: loopback, link_local, private, shared (RFC 6598: between a
// provider and its customers), multicast, or public. Source: IANA's registries of special-purpose
// addresses (RFC 6890).
std::string_view AddressClass(const IpAddress& address);

}  // namespace leadline
