// SQL's words as far as the normalised text cares: which begin a statement, and which are written
// in capitals.
#pragma once

#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::normalise {

enum class SqlWordKind : uint8_t {
  kName,
  kKeyword,
  kVerb,    // begins a statement
  kTarget,  // a table comes next
  kPause,   // may stand before that table, as in "TABLE IF NOT EXISTS t"
  kValue,   // a literal in words
};

struct SqlWord {
  SqlWordKind kind = SqlWordKind::kName;
  std::string_view text;  // in capitals, in static storage; of a name as it was given
};

SqlWord FindSqlWord(std::string_view word);

}  // namespace leadline::agent::protocols::normalise
