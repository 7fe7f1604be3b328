// The tokens of an SQL text, as far as it takes to tell literals from the rest, in the dialects of
// PostgreSQL and MySQL.
//
// Where the text alone does not tell whether a literal ends (a backslash before a quote, which
// depends on the server's settings), the lexer gives up: nothing behind that is told. Views into
// the text; linear; no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::normalise {

enum class SqlDialect : uint8_t {
  kPostgres,
  kMysql,
  kMysqlNoBackslash,  // sql_mode NO_BACKSLASH_ESCAPES
};

struct SqlToken {
  enum class Kind : uint8_t {
    kEnd,
    kGiveUp,
    kWord,        // a keyword or a name
    kQuotedName,  // without its quotes
    kLiteral,     // string, number, placeholder
    kSymbol,
  };
  Kind kind = Kind::kEnd;
  std::string_view text;
  bool at_end = false;  // the text ends with it
};

class SqlLexer {
 public:
  SqlLexer(std::string_view sql, SqlDialect dialect) : sql_(sql), dialect_(dialect) {}

  SqlToken Next();

 private:
  bool IsMysql() const { return dialect_ != SqlDialect::kPostgres; }
  char At(size_t i) const { return i < sql_.size() ? sql_[i] : '\0'; }
  void PassSpace();
  bool PassComment();
  void PassLine();
  SqlToken Token(SqlToken::Kind kind, size_t begin, size_t end);
  SqlToken Word();
  SqlToken Number();
  SqlToken String(size_t begin, char quote, bool backslash);
  SqlToken QuotedName(char quote);
  SqlToken Dollar();
  SqlToken Symbol();

  std::string_view sql_;
  SqlDialect dialect_;
  size_t at_ = 0;
};

}  // namespace leadline::agent::protocols::normalise
