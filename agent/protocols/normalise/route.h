// A request target's path with what varies taken out: "/user/4711/orders?page=2" is
// "/user/:id/orders".
//
// A segment stays when it is made of words: letters, with '-', '_', '.' and '~' between them. It
// becomes ":id" when it has a digit (but for versions as "v2" and a few names as "oauth2"), any
// other character, an escape, the look of a token (hexadecimal, letters of changing case), is long,
// or is a title of many words. An extension stays: "/:id.js". Of more than kMaxSegments segments
// the rest is "*". Query, fragment and parameters behind ';' are dropped.
//
// Pure functions; linear in the target; no allocation.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/types/span.h"

namespace leadline::agent::protocols::normalise {

inline constexpr size_t kMaxRoute = 160;
inline constexpr size_t kMaxSegments = 8;

// Of an origin-form or absolute-form target (RFC 9112, 3.2), written to `out`, which the result
// views; "" when it is neither. REQUIRES: kMaxRoute bytes of room
std::string_view Route(std::string_view target, absl::Span<char> out);

// Whether a word-like name may be a part of a key: what Route() keeps of a segment.
bool IsWord(std::string_view segment);

}  // namespace leadline::agent::protocols::normalise
