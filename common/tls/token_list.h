// The bearer tokens that a server takes, from a file.
//
//   # one a line; blank lines and comments are skipped
//   kJ4xq0yC5n3m1hV7c2Zb9w
//   sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//
// A line is a token, or the SHA-256 of one in hexadecimal, so that the file need not hold what it
// admits. Only hashes are kept in memory. Comparing takes the same time wherever two hashes differ
// and whichever line they are of.
//
// Bounds: kMaxTokens of at least kMinTokenBytes. Errors are INVALID_ARGUMENT, "FILE:LINE: why", and
// never quote a token. Source: RFC 6750, section 2.1 (b64token). Plain value; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace leadline::tls {

inline constexpr size_t kMaxTokens = 10'000;
inline constexpr size_t kMinTokenBytes = 16;
inline constexpr size_t kMaxTokenBytes = 4096;

using TokenHash = std::array<uint8_t, 32>;

class TokenList {
 public:
  static absl::StatusOr<TokenList> Parse(const std::string& file, std::string_view text);
  static absl::StatusOr<TokenList> Read(const std::string& file);

  bool Contains(std::string_view token) const;
  bool Contains(const TokenHash& hash) const;
  bool empty() const { return hashes_.empty(); }

 private:
  std::vector<TokenHash> hashes_;
};

TokenHash HashOf(std::string_view token);

// Whether this may be a bearer token, whoever takes it.
bool IsToken(std::string_view text);

// What follows "Bearer " in an Authorization header (the scheme in any case), or nullopt.
std::optional<std::string_view> BearerToken(std::string_view authorization);

}  // namespace leadline::tls
