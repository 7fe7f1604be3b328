#include "common/tls/token_list.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "common/file.h"
#include "common/status_macros.h"

namespace leadline::tls {
namespace {

constexpr size_t kMaxFileBytes = size_t{4} << 20;
constexpr std::string_view kHashPrefix = "sha256:";

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<TokenHash> ParseHash(std::string_view hex) {
  TokenHash hash{};
  if (hex.size() != hash.size() * 2) return std::nullopt;
  for (size_t i = 0; i < hash.size(); ++i) {
    const int high = HexDigit(hex[2 * i]);
    const int low = HexDigit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    hash[i] = static_cast<uint8_t>(high * 16 + low);
  }
  return hash;
}

}  // namespace

TokenHash HashOf(std::string_view token) {
  TokenHash hash{};
  SHA256(reinterpret_cast<const uint8_t*>(token.data()), token.size(), hash.data());
  return hash;
}

bool IsToken(std::string_view text) {
  const size_t end = text.find_last_not_of('=') + 1;
  return end > 0 && text.size() <= kMaxTokenBytes &&
         std::all_of(text.begin(), text.begin() + static_cast<ptrdiff_t>(end), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                  std::string_view("-._~+/").find(c) != std::string_view::npos;
         });
}

std::optional<std::string_view> BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size()) return std::nullopt;
  const bool is_bearer = std::equal(
      kScheme.begin(), kScheme.end(), authorization.begin(),
      [](char want, char have) { return want == std::tolower(static_cast<unsigned char>(have)); });
  if (!is_bearer) return std::nullopt;
  return Trim(authorization.substr(kScheme.size()));
}

absl::StatusOr<TokenList> TokenList::Parse(const std::string& file, std::string_view text) {
  TokenList list;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view whole = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    const std::string_view line = Trim(whole);
    if (line.empty() || line.starts_with('#')) continue;
    const auto wrong = [&](std::string_view what) {
      return absl::InvalidArgumentError(fmt::format("{}:{}: {}", file, number, what));
    };
    if (list.hashes_.size() == kMaxTokens) {
      return wrong(fmt::format("there are more than {} tokens", kMaxTokens));
    }
    if (line.starts_with(kHashPrefix)) {
      const std::optional<TokenHash> hash = ParseHash(line.substr(kHashPrefix.size()));
      if (!hash.has_value()) return wrong("is not sha256: and 64 hexadecimal digits");
      list.hashes_.push_back(*hash);
      continue;
    }
    if (!IsToken(line)) {
      return wrong("is not a token: letters, digits and -._~+/ with = at the end only");
    }
    if (line.size() < kMinTokenBytes) {
      return wrong(fmt::format("the token is shorter than {} characters", kMinTokenBytes));
    }
    list.hashes_.push_back(HashOf(line));
  }
  return list;
}

absl::StatusOr<TokenList> TokenList::Read(const std::string& file) {
  LL_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadFile(file, kMaxFileBytes));
  if (!text.has_value()) return absl::InvalidArgumentError(fmt::format("{}: is not there", file));
  return Parse(file, *text);
}

bool TokenList::Contains(std::string_view token) const { return Contains(HashOf(token)); }

bool TokenList::Contains(const TokenHash& hash) const {
  bool found = false;
  for (const TokenHash& one : hashes_) {
    found |= CRYPTO_memcmp(one.data(), hash.data(), hash.size()) == 0;
  }
  return found;
}

}  // namespace leadline::tls
