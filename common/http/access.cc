#include "common/http/access.h"

#include <string>

namespace leadline::http {
namespace {

constexpr char kChallenge[] = "Bearer realm=\"leadline\"";

Response Unauthorized(std::string challenge, std::string_view why) {
  return {.status = 401,
          .body = "401 unauthorized: " + std::string(why) + "\n",
          .headers = {{"WWW-Authenticate", std::move(challenge)}}};
}

}  // namespace

std::optional<Response> Refusal(std::string_view authorization, bool has_certificate,
                                const tls::ServerSecurity& security) {
  if (security.needs_client_certificate && !has_certificate) {
    return Response{.status = 403, .body = "403 forbidden: a client certificate is needed\n"};
  }
  if (security.tokens == nullptr) return std::nullopt;
  const std::optional<std::string_view> token = tls::BearerToken(authorization);
  if (!token.has_value()) return Unauthorized(kChallenge, "a bearer token is needed");
  if (security.tokens->Get()->Contains(*token)) return std::nullopt;
  return Unauthorized(std::string(kChallenge) + ", error=\"invalid_token\"",
                      "the bearer token is not valid");
}

}  // namespace leadline::http
