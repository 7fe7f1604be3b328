// An SQL text without its literals, in one form however it was written, and what it is about in
// short: "select * from Users where id=42 and name in ('a','b')" is "SELECT * FROM Users WHERE id =
// ? AND name IN (?)", of which the operation is "SELECT" and the summary "SELECT Users".
//
// Literals and placeholders are "?", lists of them one, rows that are alike one; comments go;
// keywords are in capitals, white space as above; quotes of names go. Runs of three digits or more
// in names are "?" too (orders_20240131). Of a text that does not begin with a statement's verb
// nothing is told: it may be anything.
//
// Pure functions; linear in the text; no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "agent/protocols/normalise/sql_lexer.h"

namespace leadline::agent::protocols::normalise {

inline constexpr size_t kMaxSql = 1024;
inline constexpr size_t kMaxSummary = 160;

// Where the results are written.
struct SqlBuffer {
  std::array<char, kMaxSql> text;
  std::array<char, kMaxSummary> summary;
};

struct SqlText {
  std::string_view text;       // in the buffer
  std::string_view operation;  // in static storage; "_OTHER" of what is no statement
  std::string_view summary;    // in the buffer
  bool cut = false;            // there was more than the text has
};

// `cut`: `sql` is the beginning of a longer text.
SqlText NormaliseSql(std::string_view sql, bool cut, SqlDialect dialect, SqlBuffer& buffer);

}  // namespace leadline::agent::protocols::normalise
