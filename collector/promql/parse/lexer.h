// PromQL's tokens. Words are one kind of token: whether one is a keyword, a function, a metric or
// a label depends on where it stands, so the parser decides.
//
// Tokens refer to the input by position and hold no memory of their own but decoded strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace leadline::collector::promql::parse {

// Bytes [start, end) of the query.
struct Position {
  uint32_t start = 0;
  uint32_t end = 0;
  bool operator==(const Position&) const = default;
};

enum class TokenKind : uint8_t {
  kEnd,
  kError,     // `text` says what is wrong
  kWord,      // identifiers, metric names, keywords, inf, nan
  kNumber,    // `number`
  kDuration,  // `duration_ms`
  kString,    // `text` is the decoded string
  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAt,
  kAssign,        // = in braces
  kRegex,         // =~
  kNotRegex,      // !~
  kEqual,         // ==
  kNotEqual,      // != (in braces too)
  kLess,          // <
  kLessEqual,     // <=
  kGreater,       // >
  kGreaterEqual,  // >=
  kTrimUpper,     // </
  kTrimLower,     // >/
  kPlus,
  kMinus,
  kStar,
  kSlash,
  kPercent,
  kCaret,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Position position;
  std::string text;
  double number = 0;
  int64_t duration_ms = 0;
};

class Lexer {
 public:
  // The input must outlive the lexer.
  explicit Lexer(std::string_view input) : input_(input) {}

  // After kEnd or kError the same again.
  Token Next();

 private:
  void SkipSpaceAndComments();
  Token Make(TokenKind kind, size_t length);
  Token Error(size_t start, size_t end, std::string message) const;
  Token Operator();
  Token Word();
  Token NumberOrDuration();
  Token QuotedString();
  char Peek(size_t ahead = 0) const {
    return at_ + ahead < input_.size() ? input_[at_ + ahead] : '\0';
  }

  std::string_view input_;
  size_t at_ = 0;
  int brackets_ = 0;  // a colon is part of a name outside of brackets
};

}  // namespace leadline::collector::promql::parse
