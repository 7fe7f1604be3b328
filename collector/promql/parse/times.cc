#include "collector/promql/parse/times.h"

#include <algorithm>
#include <cmath>

namespace leadline::collector::promql::parse {
namespace {

std::optional<int64_t> DurationMs(const Token& token) {
  if (token.kind == TokenKind::kDuration) return token.duration_ms;
  // Above this Prometheus' nanoseconds do not fit 64 bits.
  constexpr double kMaxSeconds = 9'223'372'036.0;
  if (!(token.number >= 0 && token.number < kMaxSeconds)) return std::nullopt;
  return std::llround(token.number * 1000);
}

bool IsNumberOrDuration(const TokenStream& tokens) {
  return tokens.Is(TokenKind::kNumber) || tokens.Is(TokenKind::kDuration);
}

}  // namespace

std::optional<int64_t> ParseSignedDuration(TokenStream& tokens, std::string_view where) {
  const bool negative = tokens.TakeSign();
  if (!IsNumberOrDuration(tokens)) {
    tokens.Unexpected(where, "number or duration");
    return std::nullopt;
  }
  const auto ms = DurationMs(tokens.current());
  if (!ms.has_value()) {
    tokens.FailAt(tokens.position(), "duration out of range");
    return std::nullopt;
  }
  tokens.Advance();
  return negative ? -*ms : *ms;
}

std::optional<int64_t> ParsePositiveDuration(TokenStream& tokens, std::string_view where) {
  const Position position = tokens.position();
  const auto ms = ParseSignedDuration(tokens, where);
  if (!ms.has_value() || *ms > 0) return ms;
  tokens.FailAt(position, "duration must be greater than 0");
  return std::nullopt;
}

bool ParseAtTime(TokenStream& tokens, TimeModifier& modifier) {
  if (tokens.IsKeyword("start") || tokens.IsKeyword("end")) {
    modifier.at = tokens.IsKeyword("start") ? TimeModifier::At::kStart : TimeModifier::At::kEnd;
    tokens.Advance();
    if (tokens.Take(TokenKind::kLeftParen) && tokens.Take(TokenKind::kRightParen)) return true;
    tokens.Unexpected("@", "\"()\"");
    return false;
  }
  const bool negative = tokens.TakeSign();
  if (!IsNumberOrDuration(tokens)) {
    tokens.Unexpected("@", "timestamp");
    return false;
  }
  const double seconds = tokens.current().number;
  const double ms = (negative ? -seconds : seconds) * 1000;
  // The greatest double below 2^63.
  if (!(std::fabs(ms) <= 9.223372036854775e18)) {
    tokens.FailAt(tokens.position(), "timestamp out of bounds for @ modifier");
    return false;
  }
  modifier.at = TimeModifier::At::kTime;
  // No data is further away, and what is computed from it does not overflow.
  constexpr double kFarMs = 8.64e15;
  modifier.at_ms = std::llround(std::clamp(ms, -kFarMs, kFarMs));
  tokens.Advance();
  return true;
}

}  // namespace leadline::collector::promql::parse
