#include "collector/promql/parse/lexer.h"

#include <algorithm>

#include <fmt/format.h>

#include "collector/promql/parse/literal.h"
#include "common/utf8.h"

namespace leadline::collector::promql::parse {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsWordPart(char c) { return IsWordStart(c) || IsDigit(c); }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct OperatorText {
  std::string_view text;
  TokenKind kind;
};

// Outside of braces. Longer ones first.
constexpr OperatorText kOperators[] = {
    {"==", TokenKind::kEqual},      {"!=", TokenKind::kNotEqual},
    {"<=", TokenKind::kLessEqual},  {">=", TokenKind::kGreaterEqual},
    {"</", TokenKind::kTrimUpper},  {">/", TokenKind::kTrimLower},
    {"=", TokenKind::kAssign},      {"<", TokenKind::kLess},
    {">", TokenKind::kGreater},     {"+", TokenKind::kPlus},
    {"-", TokenKind::kMinus},       {"*", TokenKind::kStar},
    {"/", TokenKind::kSlash},       {"%", TokenKind::kPercent},
    {"^", TokenKind::kCaret},       {"(", TokenKind::kLeftParen},
    {")", TokenKind::kRightParen},  {"{", TokenKind::kLeftBrace},
    {"[", TokenKind::kLeftBracket}, {"]", TokenKind::kRightBracket},
    {",", TokenKind::kComma},       {":", TokenKind::kColon},
    {"@", TokenKind::kAt},
};

constexpr OperatorText kInBraces[] = {
    {"=~", TokenKind::kRegex}, {"!~", TokenKind::kNotRegex}, {"!=", TokenKind::kNotEqual},
    {"=", TokenKind::kAssign}, {",", TokenKind::kComma},     {"}", TokenKind::kRightBrace},
};

// Words that may stand in brackets.
constexpr std::string_view kDurationWords[] = {"step", "range", "min_of", "max_of", "min", "max"};

bool IsDurationWord(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(std::begin(kDurationWords), std::end(kDurationWords), lower) !=
         std::end(kDurationWords);
}

// What `text` begins with: a whole character, which may have several bytes; U+FFFD for what is
// none. Those that are not seen, and the backslash, as Go's %q has them.
std::string FirstCharacter(std::string_view text) {
  const uint8_t first = text.empty() ? ' ' : static_cast<uint8_t>(text.front());
  if (first == '\\') return "\\\\";
  if (first >= '\a' && first <= '\r') return {'\\', "abtnvfr"[first - '\a']};
  if (first < 0x20 || first == 0x7f) return fmt::format("\\x{:02x}", first);
  size_t length = 1;
  while (length < text.size() && length < 4 &&
         (static_cast<uint8_t>(text[length]) & 0xC0) == 0x80) {
    ++length;
  }
  const std::string_view character = text.substr(0, length);
  return std::string(IsValidUtf8(character) ? character : "\uFFFD");
}

// Follows a number or a duration through its characters, to find how far it goes.
class NumberScanner {
 public:
  explicit NumberScanner(std::string_view text) : text_(text) {}

  size_t length() const { return at_; }

  // Whether all up to the next character that is no part of a word is a number. It need not be a
  // valid one.
  bool ScanNumber() {
    const bool hex = Take("0") && Take("xX");
    if (hex) Take("_");
    const std::string_view digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
    Take(".");
    Take(digits);
    bool dot = false;
    bool exponent = false;
    while (at_ < text_.size()) {
      if (Is(".")) {
        const bool again = dot;
        dot = true;
        ++at_;
        if (again || Take("_.") || hex) return false;
      } else if (!hex && Is("eE")) {
        const bool again = exponent;
        exponent = true;
        ++at_;
        if (again) return false;
        Take("+-");
        if (Take("._eE") || at_ == text_.size()) return false;
      } else if (Is("_")) {
        ++at_;
        if (Take("._eE") || at_ == text_.size()) return false;
      } else if (!TakeAll(digits)) {
        break;
      }
    }
    return !IsWordPart(Next());
  }

  // The same of a duration, of which a number was scanned.
  bool ScanDuration() {
    if (!Take("smhdwy")) return false;
    Take("s");
    while (TakeAll("0123456789")) {
      if (!Take("smhdw")) return false;
      Take("s");
    }
    if (!IsWordPart(Next())) return true;
    ++at_;
    return false;
  }

 private:
  char Next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Is(std::string_view any) const {
    return at_ < text_.size() && any.find(text_[at_]) != std::string_view::npos;
  }
  bool Take(std::string_view any) {
    if (!Is(any)) return false;
    ++at_;
    return true;
  }
  bool TakeAll(std::string_view any) {
    const size_t before = at_;
    while (Take(any)) {
    }
    return at_ > before;
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Token Lexer::Next() {
  if (failed_) return error_;
  SkipSpaceAndComments();
  if (state_ == State::kBraces) return InBraces();
  return in_brackets() ? InBrackets() : Outside();
}

Token Lexer::InBraces() {
  if (at_ >= input_.size()) return Error(at_, "unexpected end of input inside braces");
  const char c = Peek();
  if (IsWordStart(c)) return Word(false);
  if (c == '"' || c == '\'' || c == '`') return QuotedString();
  for (const OperatorText& op : kInBraces) {
    if (!input_.substr(at_).starts_with(op.text)) continue;
    if (op.kind == TokenKind::kRightBrace) state_ = State::kOutside;
    return Make(op.kind, op.text.size());
  }
  if (c == '!') {
    return Error(at_, fmt::format("unexpected character after '!' inside braces: '{}'",
                                  FirstCharacter(input_.substr(at_ + 1))));
  }
  if (c == '{') return Error(at_, "unexpected left brace '{'");
  return Unexpected("unexpected character inside braces");
}

Token Lexer::InBrackets() {
  const bool before = state_ == State::kDuration;
  if (at_ >= input_.size()) {
    return before ? Error(at_, "unexpected end of input in duration expression") : AtEnd();
  }
  const char c = Peek();
  if (IsWordStart(c)) {
    const size_t start = at_;
    Token word = Word(false);
    if (IsDurationWord(word.text)) return word;
    return Error(start, before ? fmt::format("unexpected character in duration expression: '{}'", c)
                               : fmt::format("unexpected character: '{}', expected ':'", c));
  }
  if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return NumberOrDuration();
  if (before && std::string_view("+-*/%^(),:]").find(c) == std::string_view::npos) {
    return Unexpected("unexpected character in duration expression");
  }
  if (c == '"' || c == '\'' || c == '`') return QuotedString();
  return Operator();
}

Token Lexer::Outside() {
  if (at_ >= input_.size()) return AtEnd();
  const char c = Peek();
  if (IsWordStart(c) || c == ':') return Word(true);
  if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return NumberOrDuration();
  if (c == '"' || c == '\'' || c == '`') return QuotedString();
  return Operator();
}

Token Lexer::AtEnd() {
  if (open_parens_ > 0) return Error(at_, "unclosed left parenthesis");
  if (in_brackets()) return Error(at_, "unclosed left bracket");
  return Make(TokenKind::kEnd, 0);
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

Token Lexer::Error(size_t at, std::string message) {
  failed_ = true;
  error_.kind = TokenKind::kError;
  error_.position = {static_cast<uint32_t>(at), static_cast<uint32_t>(input_.size())};
  error_.text = std::move(message);
  return error_;
}

Token Lexer::Unexpected(std::string_view where) {
  return Error(at_, fmt::format("{}: '{}'", where, FirstCharacter(input_.substr(at_))));
}

Token Lexer::Operator() {
  const std::string_view rest = input_.substr(at_);
  if (rest.starts_with("=~")) return Error(at_, "unexpected character after '=': '~'");
  if (rest.starts_with('!') && !rest.starts_with("!=")) {
    return Error(
        at_, fmt::format("unexpected character after '!': '{}'", FirstCharacter(rest.substr(1))));
  }
  const auto* const op =
      std::find_if(std::begin(kOperators), std::end(kOperators),
                   [rest](const OperatorText& row) { return rest.starts_with(row.text); });
  if (op == std::end(kOperators)) return Unexpected("unexpected character");
  switch (op->kind) {
    case TokenKind::kLeftParen:
      ++open_parens_;
      break;
    case TokenKind::kRightParen:
      // Told behind it, as Prometheus does.
      if (--open_parens_ < 0) return Error(at_ + 1, "unexpected right parenthesis ')'");
      break;
    case TokenKind::kLeftBrace:
      state_ = State::kBraces;
      break;
    case TokenKind::kLeftBracket:
      if (in_brackets()) return Error(at_, "unexpected left bracket '['");
      state_ = State::kDuration;
      break;
    case TokenKind::kRightBracket:
      if (!in_brackets()) return Error(at_, "unexpected right bracket ']'");
      state_ = State::kOutside;
      break;
    default:
      break;
  }
  return Make(op->kind, op->text.size());
}

Token Lexer::Word(bool with_colons) {
  size_t length = 1;
  while (IsWordPart(Peek(length)) || (with_colons && Peek(length) == ':')) ++length;
  const std::string_view text = input_.substr(at_, length);
  Token token = Make(TokenKind::kWord, length);
  token.text = text;
  return token;
}

Token Lexer::NumberOrDuration() {
  if (in_brackets()) state_ = State::kAfterDuration;
  NumberScanner scanner(input_.substr(at_));
  const bool is_number = scanner.ScanNumber();
  const bool is_duration = !is_number && scanner.ScanDuration();
  const std::string_view text = input_.substr(at_, scanner.length());
  if (is_number) return Number(text);
  if (is_duration) return Duration(text);
  return Error(at_, fmt::format("bad number or duration syntax: \"{}\"", text));
}

Token Lexer::Number(std::string_view text) {
  const auto number = ParseNumber(text);
  if (!number.has_value()) {
    return Error(at_, fmt::format("error parsing number: strconv.ParseFloat: parsing \"{}\": {}",
                                  text, NumberError(text)));
  }
  Token token = Make(TokenKind::kNumber, text.size());
  token.text = text;
  token.number = *number;
  return token;
}

Token Lexer::Duration(std::string_view text) {
  const auto duration_ms = ParseDurationMs(text);
  if (!duration_ms.has_value()) return Error(at_, DurationError(text));
  Token token = Make(TokenKind::kDuration, text.size());
  token.text = text;
  token.duration_ms = *duration_ms;
  token.number = static_cast<double>(*duration_ms) / 1000;
  return token;
}

Token Lexer::QuotedString() {
  const size_t start = at_;
  const char quote = Peek();
  const bool raw = quote == '`';
  size_t length = 1;
  while (Peek(length) != quote) {
    const std::string_view rest = input_.substr(at_ + std::min(length, input_.size() - at_));
    if (rest.empty() || (!raw && rest.front() == '\n')) {
      return Error(start, raw ? "unterminated raw string" : "unterminated quoted string");
    }
    if (!raw && rest.front() == '\\') {
      const Escape escape = ReadEscape(rest.substr(1), quote);
      if (!escape.error.empty()) return Error(start, escape.error);
      length += 1 + escape.length;
      continue;
    }
    size_t character = 1;
    while (character < rest.size() && (static_cast<uint8_t>(rest[character]) & 0xC0) == 0x80) {
      ++character;
    }
    if (!IsValidUtf8(rest.substr(0, character))) return Error(start, "invalid UTF-8 rune");
    length += character;
  }
  auto text = Unquote(input_.substr(at_ + 1, length - 1), quote);
  if (!text.has_value()) return Error(start, "invalid escape sequence");
  Token token = Make(TokenKind::kString, length + 1);
  token.text = *std::move(text);
  return token;
}

}  // namespace leadline::collector::promql::parse
