// A domain name with what varies taken out: "10-0-0-7.shop.default.pod.cluster.local" is
// ":id.shop.default.pod.cluster.local".
//
// In lower case. A label stays when it is made of words and short numbers ("us-east-1", "web-0",
// "_http"); it becomes ":id" when it is long, has many digits, or looks like a token or an address.
// Before the last kMaxLabels labels stands
// "*", and below in-addr.arpa and ip6.arpa no label stays.
//
// Pure functions; linear; no allocation.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/types/span.h"

namespace leadline::agent::protocols::normalise {

inline constexpr size_t kMaxLabels = 7;
inline constexpr size_t kMaxDnsName = 254;

// Of a name as messages have it: labels, each with its length before it, without the root's.
// REQUIRES: it is well-formed, and kMaxDnsName bytes of room
std::string_view DnsName(std::string_view labels, absl::Span<char> out);

}  // namespace leadline::agent::protocols::normalise
