#include "agent/protocols/normalise/sql_lexer.h"

#include <algorithm>

namespace leadline::agent::protocols::normalise {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Longer ones first.
constexpr std::string_view kSymbols[] = {"->>", "#>>", "->", "#>", "::", "<=", ">=", "<>",
                                         "!=",  "||",  "&&", ":=", "@>", "<@", "@@"};

bool IsSecondOfSymbol(char c) {
  return c == '>' || c == '=' || c == ':' || c == '|' || c == '&' || c == '@';
}

}  // namespace

SqlToken SqlLexer::Next() {
  PassSpace();
  if (at_ >= sql_.size()) return {};
  const char c = sql_[at_];
  if (IsLetter(c)) return Word();
  if (IsDigit(c) || (c == '.' && IsDigit(At(at_ + 1)))) return Number();
  switch (c) {
    case '\'':
      return String(at_, c, dialect_ == SqlDialect::kMysql);
    case '"':
      return IsMysql() ? String(at_, c, dialect_ == SqlDialect::kMysql) : QuotedName(c);
    case '`':
      return IsMysql() ? QuotedName(c) : Symbol();
    case '$':
      return Dollar();
    case '?':
      return Token(SqlToken::Kind::kLiteral, at_, at_ + 1);
    default:
      return Symbol();
  }
}

SqlToken SqlLexer::Token(SqlToken::Kind kind, size_t begin, size_t end) {
  at_ = end;
  return {.kind = kind, .text = sql_.substr(begin, end - begin), .at_end = end >= sql_.size()};
}

void SqlLexer::PassSpace() {
  while (at_ < sql_.size()) {
    if (IsSpace(sql_[at_])) {
      ++at_;
    } else if (!PassComment()) {
      return;
    }
  }
}

void SqlLexer::PassLine() { at_ = std::min(sql_.find('\n', at_), sql_.size()); }

bool SqlLexer::PassComment() {
  const char c = sql_[at_];
  const char next = At(at_ + 1);
  if (c == '-' && next == '-') {
    // To MySQL it is one only with white space behind it.
    if (IsMysql() && at_ + 2 < sql_.size() && static_cast<unsigned char>(sql_[at_ + 2]) > ' ') {
      return false;
    }
    PassLine();
    return true;
  }
  if (c == '#' && IsMysql()) {
    PassLine();
    return true;
  }
  if (c == '*' && next == '/' && IsMysql()) {  // the end of what "/*!" began
    at_ += 2;
    return true;
  }
  if (c != '/' || next != '*') return false;
  if (IsMysql() && At(at_ + 2) == '!') {  // MySQL reads what is in it
    at_ += 3;
    while (IsDigit(At(at_))) ++at_;
    return true;
  }
  at_ += 2;
  for (int depth = 1; depth > 0 && at_ < sql_.size();) {
    if (sql_[at_] == '*' && At(at_ + 1) == '/') {
      --depth;
      at_ += 2;
    } else if (!IsMysql() && sql_[at_] == '/' && At(at_ + 1) == '*') {
      ++depth;
      at_ += 2;
    } else {
      ++at_;
    }
  }
  return true;
}

SqlToken SqlLexer::Word() {
  size_t end = at_;
  while (end < sql_.size() && (IsLetter(sql_[end]) || IsDigit(sql_[end]) || sql_[end] == '$')) {
    ++end;
  }
  // A string with something before it: E'..', N'..', X'..', U&'..', _utf8'..'
  const std::string_view word = sql_.substr(at_, end - at_);
  size_t quote = end;
  if (word.size() == 1 && (word[0] | 0x20) == 'u' && At(quote) == '&') ++quote;
  if (At(quote) == '\'' && (word.size() == 1 || word[0] == '_')) {
    const bool escapes = IsMysql() ? dialect_ == SqlDialect::kMysql : (word[0] | 0x20) == 'e';
    const size_t begin = at_;
    at_ = quote;
    return String(begin, '\'', escapes);
  }
  return Token(SqlToken::Kind::kWord, at_, end);
}

// With whatever is glued to it: 1e-5, 0xff, 1.5, 12abc.
SqlToken SqlLexer::Number() {
  size_t end = at_;
  while (end < sql_.size() &&
         (IsDigit(sql_[end]) || IsLetter(sql_[end]) || sql_[end] == '.' ||
          ((sql_[end] == '-' || sql_[end] == '+') && (sql_[end - 1] | 0x20) == 'e' &&
           IsDigit(At(end + 1)) && end > at_))) {
    ++end;
  }
  return Token(SqlToken::Kind::kLiteral, at_, end);
}

// at_ is at the opening quote. One that does not end goes on to the end of the text.
SqlToken SqlLexer::String(size_t begin, char quote, bool backslash) {
  size_t end = at_ + 1;
  while (end < sql_.size()) {
    const char c = sql_[end];
    if (c == '\\' && backslash) {
      end += 2;
      continue;
    }
    if (c == '\\' && !IsMysql() && At(end + 1) == quote) {
      return {.kind = SqlToken::Kind::kGiveUp};
    }
    if (c == quote) {
      if (At(end + 1) != quote) break;
      ++end;
    }
    ++end;
  }
  return Token(SqlToken::Kind::kLiteral, begin, std::min(end + 1, sql_.size()));
}

SqlToken SqlLexer::QuotedName(char quote) {
  const size_t begin = at_ + 1;
  const size_t end = sql_.find(quote, begin);
  if (end == std::string_view::npos) return {.kind = SqlToken::Kind::kGiveUp};
  SqlToken token = Token(SqlToken::Kind::kQuotedName, begin, end);
  ++at_;
  token.at_end = at_ >= sql_.size();
  return token;
}

// $1, or $tag$ anything $tag$.
SqlToken SqlLexer::Dollar() {
  size_t end = at_ + 1;
  if (IsDigit(At(end))) {
    while (IsDigit(At(end))) ++end;
    return Token(SqlToken::Kind::kLiteral, at_, end);
  }
  if (IsMysql()) return Symbol();
  while (end < sql_.size() && (IsLetter(sql_[end]) || IsDigit(sql_[end]))) ++end;
  if (At(end) != '$')
    return end >= sql_.size() ? SqlToken{.kind = SqlToken::Kind::kGiveUp} : Symbol();
  const std::string_view tag = sql_.substr(at_, end + 1 - at_);
  const size_t close = sql_.find(tag, end + 1);
  return Token(SqlToken::Kind::kLiteral, at_,
               close == std::string_view::npos ? sql_.size() : close + tag.size());
}

SqlToken SqlLexer::Symbol() {
  // Hardly any is longer than a character.
  if (IsSecondOfSymbol(At(at_ + 1))) {
    const std::string_view rest = sql_.substr(at_);
    for (const std::string_view symbol : kSymbols) {
      if (rest.starts_with(symbol)) {
        return Token(SqlToken::Kind::kSymbol, at_, at_ + symbol.size());
      }
    }
  }
  return Token(SqlToken::Kind::kSymbol, at_, at_ + 1);
}

}  // namespace leadline::agent::protocols::normalise
