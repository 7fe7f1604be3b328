#include "collector/promql/parse/lexer.h"

#include <algorithm>

#include <fmt/format.h>

#include "collector/promql/parse/literal.h"

namespace leadline::collector::promql::parse {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool IsWordStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c); }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct OperatorText {
  std::string_view text;
  TokenKind kind;
};

// Longer ones first.
constexpr OperatorText kOperators[] = {
    {"==", TokenKind::kEqual},       {"=~", TokenKind::kRegex},
    {"!=", TokenKind::kNotEqual},    {"!~", TokenKind::kNotRegex},
    {"<=", TokenKind::kLessEqual},   {">=", TokenKind::kGreaterEqual},
    {"</", TokenKind::kTrimUpper},   {">/", TokenKind::kTrimLower},
    {"=", TokenKind::kAssign},       {"<", TokenKind::kLess},
    {">", TokenKind::kGreater},      {"+", TokenKind::kPlus},
    {"-", TokenKind::kMinus},        {"*", TokenKind::kStar},
    {"/", TokenKind::kSlash},        {"%", TokenKind::kPercent},
    {"^", TokenKind::kCaret},        {"(", TokenKind::kLeftParen},
    {")", TokenKind::kRightParen},   {"{", TokenKind::kLeftBrace},
    {"}", TokenKind::kRightBrace},   {"[", TokenKind::kLeftBracket},
    {"]", TokenKind::kRightBracket}, {",", TokenKind::kComma},
    {":", TokenKind::kColon},        {"@", TokenKind::kAt},
};

}  // namespace

Token Lexer::Next() {
  SkipSpaceAndComments();
  if (at_ >= input_.size()) return Make(TokenKind::kEnd, 0);
  const char c = Peek();
  if (IsWordStart(c) || (c == ':' && brackets_ == 0)) return Word();
  if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return NumberOrDuration();
  if (c == '"' || c == '\'' || c == '`') return QuotedString();
  return Operator();
}

void Lexer::SkipSpaceAndComments() {
  while (at_ < input_.size()) {
    if (IsSpace(Peek())) {
      ++at_;
    } else if (Peek() == '#') {
      at_ = std::min(input_.find('\n', at_), input_.size());
    } else {
      return;
    }
  }
}

Token Lexer::Make(TokenKind kind, size_t length) {
  Token token;
  token.kind = kind;
  token.position = {static_cast<uint32_t>(at_), static_cast<uint32_t>(at_ + length)};
  at_ += length;
  return token;
}

Token Lexer::Error(size_t start, size_t end, std::string message) const {
  Token token;
  token.kind = TokenKind::kError;
  token.position = {static_cast<uint32_t>(start), static_cast<uint32_t>(end)};
  token.text = std::move(message);
  return token;
}

Token Lexer::Operator() {
  for (const OperatorText& op : kOperators) {
    if (!input_.substr(at_).starts_with(op.text)) continue;
    Token token = Make(op.kind, op.text.size());
    brackets_ += op.kind == TokenKind::kLeftBracket ? 1 : 0;
    brackets_ -= op.kind == TokenKind::kRightBracket ? 1 : 0;
    return token;
  }
  // A whole character, which may have several bytes.
  size_t length = 1;
  while (at_ + length < input_.size() && (static_cast<uint8_t>(Peek(length)) & 0xC0) == 0x80) {
    ++length;
  }
  return Error(at_, at_ + length,
               fmt::format("unexpected character: '{}'", input_.substr(at_, length)));
}

Token Lexer::Word() {
  size_t length = 1;
  while (IsWordPart(Peek(length)) || (Peek(length) == ':' && brackets_ == 0)) ++length;
  const std::string_view text = input_.substr(at_, length);
  Token token = Make(TokenKind::kWord, length);
  token.text = text;
  return token;
}

Token Lexer::NumberOrDuration() {
  size_t length = 0;
  const auto take_digits = [&](bool (*is_digit)(char)) {
    while (is_digit(Peek(length)) || (Peek(length) == '_' && is_digit(Peek(length + 1)))) ++length;
  };
  if (Peek() == '0' && (Peek(1) == 'x' || Peek(1) == 'X')) {
    length = 2;
    take_digits(IsHexDigit);
  } else {
    take_digits(IsDigit);
    if (Peek(length) == '.') {
      ++length;
      take_digits(IsDigit);
    }
    const bool is_signed = Peek(length + 1) == '+' || Peek(length + 1) == '-';
    if ((Peek(length) == 'e' || Peek(length) == 'E') &&
        IsDigit(Peek(length + (is_signed ? 2 : 1)))) {
      length += is_signed ? 2 : 1;
      take_digits(IsDigit);
    }
  }
  const bool is_duration = IsWordPart(Peek(length));
  while (IsWordPart(Peek(length))) ++length;
  const std::string_view text = input_.substr(at_, length);
  const auto number = is_duration ? std::nullopt : ParseNumber(text);
  const auto duration_ms = is_duration ? ParseDurationMs(text) : std::nullopt;
  if (!number.has_value() && !duration_ms.has_value()) {
    return Error(at_, at_ + length, fmt::format("bad number or duration syntax: \"{}\"", text));
  }
  Token token = Make(is_duration ? TokenKind::kDuration : TokenKind::kNumber, length);
  token.text = text;
  token.duration_ms = duration_ms.value_or(0);
  token.number = number.value_or(static_cast<double>(token.duration_ms) / 1000);
  return token;
}

Token Lexer::QuotedString() {
  const char quote = Peek();
  size_t length = 1;
  while (Peek(length) != quote) {
    if (at_ + length >= input_.size() || (quote != '`' && Peek(length) == '\n')) {
      return Error(at_, std::min(at_ + length, input_.size()),
                   quote == '`' ? "unterminated raw string" : "unterminated quoted string");
    }
    length += quote != '`' && Peek(length) == '\\' ? 2 : 1;
  }
  auto text = Unquote(input_.substr(at_ + 1, length - 1), quote);
  if (!text.has_value()) {
    return Error(at_, at_ + length + 1,
                 fmt::format("invalid escape in string {}", input_.substr(at_, length + 1)));
  }
  Token token = Make(TokenKind::kString, length + 1);
  token.text = *std::move(text);
  return token;
}

}  // namespace leadline::collector::promql::parse
