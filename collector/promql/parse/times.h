// Durations and points in time where the grammar wants one: in brackets, after "offset" and "@".
// Internal to the parser.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collector/promql/parse/ast.h"
#include "collector/promql/parse/token_stream.h"

namespace leadline::collector::promql::parse {

// "5m", "-1h", or a number of seconds, in milliseconds. `where` is for messages.
std::optional<int64_t> ParseSignedDuration(TokenStream& tokens, std::string_view where);

// The same, for what must be above 0.
std::optional<int64_t> ParsePositiveDuration(TokenStream& tokens, std::string_view where);

// What stands after "@": "start()", "end()" or seconds since the Unix epoch. Sets `at`, and `at_ms`
// of a time.
bool ParseAtTime(TokenStream& tokens, TimeModifier& modifier);

}  // namespace leadline::collector::promql::parse
