// The literals of PromQL: numbers, durations, strings.
//
// Source: Prometheus' promql/parser (parseNumber), model.ParseDuration and util/strutil.Unquote.
// Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace leadline::collector::promql::parse {

// "1", "1.5e3", ".5", "0x1F", "0755" (octal, as in Go), "1_000"; "inf" and "nan" in any case.
std::optional<double> ParseNumber(std::string_view text);

// "5m", "1h30m", as ParseDuration of common/duration.h.
std::optional<int64_t> ParseDurationMs(std::string_view text);

// What stands between the quotes `quote` (', " or `), which are not part of `text`; Go's escapes.
std::optional<std::string> Unquote(std::string_view text, char quote);

}  // namespace leadline::collector::promql::parse
