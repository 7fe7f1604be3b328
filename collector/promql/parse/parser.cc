#include "collector/promql/parse/parser.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "collector/promql/parse/check.h"
#include "collector/promql/parse/keywords.h"
#include "collector/promql/parse/literal.h"
#include "common/utf8.h"

namespace leadline::collector::promql::parse {
namespace {

constexpr std::string_view kMetricName = "__name__";

// The token as messages have it.
std::string Describe(const Token& token, std::string_view query) {
  const std::string_view text =
      query.substr(token.position.start, token.position.end - token.position.start);
  switch (token.kind) {
    case TokenKind::kEnd:
      return "end of input";
    case TokenKind::kWord:
      if (FindAggregate(token) != nullptr) return fmt::format("<aggr:{}>", text);
      if (FindBinary(token) != nullptr) return fmt::format("<op:{}>", text);
      for (std::string_view keyword :
           {"by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset"}) {
        if (IsKeyword(token, keyword)) return fmt::format("<{}>", text);
      }
      return fmt::format("identifier \"{}\"", text);
    case TokenKind::kNumber:
      return fmt::format("number \"{}\"", text);
    case TokenKind::kDuration:
      return fmt::format("duration \"{}\"", text);
    case TokenKind::kString:
      return fmt::format("string {}", text);
    default:
      if (FindBinary(token) != nullptr) return fmt::format("<op:{}>", text);
      return fmt::format("\"{}\"", text);
  }
}

bool IsLabelName(std::string_view word) { return word.find(':') == std::string_view::npos; }

std::optional<LabelMatcher::Op> MatchOp(TokenKind kind) {
  switch (kind) {
    case TokenKind::kAssign:
      return LabelMatcher::Op::kEqual;
    case TokenKind::kNotEqual:
      return LabelMatcher::Op::kNotEqual;
    case TokenKind::kRegex:
      return LabelMatcher::Op::kRegex;
    case TokenKind::kNotRegex:
      return LabelMatcher::Op::kNotRegex;
    default:
      return std::nullopt;
  }
}

// Recursive descent, with precedence climbing for binary operators. Functions return nullptr,
// nullopt or false when they have failed; the first failure is kept.
class Parser {
 public:
  explicit Parser(std::string_view query) : query_(query), lexer_(query) {}

  ExprPtr ParseQuery() {
    Advance();
    if (token_.kind == TokenKind::kEnd) return FailAt({0, 0}, "no expression found in input");
    ExprPtr expr = ParseBinary(0);
    if (expr == nullptr) return nullptr;
    if (token_.kind != TokenKind::kEnd) return Unexpected("", "");
    return expr;
  }

  // "1:5: parse error: …". REQUIRES: parsing failed.
  std::string ErrorText() const {
    return fmt::format("{}: parse error: {}", LineAndColumn(query_, failure_->position.start),
                       failure_->message);
  }

 private:
  void Advance() {
    last_end_ = token_.position.end;
    token_ = lexer_.Next();
    if (token_.kind == TokenKind::kError) FailAt(token_.position, token_.text);
  }

  bool Take(TokenKind kind) {
    if (token_.kind != kind) return false;
    Advance();
    return true;
  }

  bool TakeKeyword(std::string_view word) {
    if (!IsKeyword(token_, word)) return false;
    Advance();
    return true;
  }

  std::nullptr_t FailAt(Position position, std::string message) {
    if (!failure_.has_value()) failure_ = Complaint{position, std::move(message)};
    return nullptr;
  }

  std::nullptr_t Unexpected(std::string_view where, std::string_view expected) {
    std::string message = fmt::format("unexpected {}", Describe(token_, query_));
    if (!where.empty()) message += fmt::format(" in {}", where);
    if (!expected.empty()) message += fmt::format(", expected {}", expected);
    return FailAt(token_.position, std::move(message));
  }

  // Sets the place and the depth of a new node and checks it.
  template <typename Node>
  ExprPtr Finish(std::unique_ptr<Node> node, uint32_t start, uint32_t depth_below) {
    node->position = {start, last_end_};
    node->depth = depth_below + 1;
    if (node->depth > kMaxTreeDepth) {
      return FailAt(node->position, fmt::format("expression is more than {} deep", kMaxTreeDepth));
    }
    if constexpr (requires { Check(*node); }) {
      if (auto complaint = Check(*node)) return FailAt(complaint->position, complaint->message);
    }
    return node;
  }

  // Counts nesting for as long as it lives.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) { ++parser_.nesting_; }
    ~Nesting() { --parser_.nesting_; }
    bool TooDeep() const {
      if (parser_.nesting_ <= kMaxNesting) return false;
      parser_.FailAt(parser_.token_.position,
                     fmt::format("expression is nested more than {} deep", kMaxNesting));
      return true;
    }

   private:
    Parser& parser_;
  };

  ExprPtr ParseBinary(int min_precedence) {
    const Nesting nesting(*this);
    if (nesting.TooDeep()) return nullptr;
    ExprPtr left = ParseUnary();
    while (left != nullptr) {
      const BinaryKeyword* op = FindBinary(token_);
      if (op == nullptr || op->precedence < min_precedence) break;
      left = ParseRightSide(std::move(left), *op);
    }
    return left;
  }

  ExprPtr ParseRightSide(ExprPtr left, const BinaryKeyword& op) {
    const uint32_t start = left->position.start;
    Advance();
    const bool returns_bool = TakeKeyword("bool");
    std::optional<VectorMatching> matching;
    if (IsKeyword(token_, "on") || IsKeyword(token_, "ignoring")) {
      matching = ParseMatching();
      if (!matching.has_value()) return nullptr;
    }
    ExprPtr right = ParseBinary(op.precedence + (op.right_associative ? 0 : 1));
    if (right == nullptr) return nullptr;
    const uint32_t depth = std::max(left->depth, right->depth);
    auto binary = std::make_unique<Binary>(op.op, std::move(left), std::move(right));
    binary->returns_bool = returns_bool;
    binary->matching = std::move(matching);
    return Finish(std::move(binary), start, depth);
  }

  std::optional<VectorMatching> ParseMatching() {
    VectorMatching matching;
    matching.on = IsKeyword(token_, "on");
    Advance();
    if (!ParseLabelList(matching.labels)) return std::nullopt;
    const bool left = IsKeyword(token_, "group_left");
    if (!left && !IsKeyword(token_, "group_right")) return matching;
    Advance();
    matching.cardinality =
        left ? VectorMatching::Cardinality::kManyToOne : VectorMatching::Cardinality::kOneToMany;
    if (token_.kind == TokenKind::kLeftParen && !ParseLabelList(matching.include)) {
      return std::nullopt;
    }
    return matching;
  }

  ExprPtr ParseUnary() {
    if (token_.kind != TokenKind::kPlus && token_.kind != TokenKind::kMinus) {
      return ParsePostfix();
    }
    const uint32_t start = token_.position.start;
    const bool negate = token_.kind == TokenKind::kMinus;
    Advance();
    ExprPtr inner = ParseBinary(kUnaryPrecedence + 1);
    if (inner == nullptr) return nullptr;
    if (inner->kind == ExprKind::kNumber) {
      auto& number = static_cast<NumberLiteral&>(*inner);
      if (negate) number.value = -number.value;
      number.position.start = start;
      return inner;
    }
    const uint32_t depth = inner->depth;
    return Finish(std::make_unique<Unary>(negate, std::move(inner)), start, depth);
  }

  // A primary expression with ranges, "offset" and "@" after it.
  ExprPtr ParsePostfix() {
    ExprPtr expr = ParsePrimary();
    while (expr != nullptr) {
      if (token_.kind == TokenKind::kLeftBracket) {
        expr = ParseRange(std::move(expr));
      } else if (IsKeyword(token_, "offset")) {
        expr = ParseOffset(std::move(expr));
      } else if (token_.kind == TokenKind::kAt) {
        expr = ParseAt(std::move(expr));
      } else {
        break;
      }
    }
    return expr;
  }

  // A duration, or a number of seconds.
  std::optional<int64_t> ParseDuration(std::string_view where) {
    const bool negative = token_.kind == TokenKind::kMinus;
    if (negative || token_.kind == TokenKind::kPlus) Advance();
    if (token_.kind != TokenKind::kDuration && token_.kind != TokenKind::kNumber) {
      Unexpected(where, "number or duration");
      return std::nullopt;
    }
    const auto ms = SecondsToMs(token_);
    if (!ms.has_value()) {
      FailAt(token_.position, "duration out of range");
      return std::nullopt;
    }
    Advance();
    return negative ? -*ms : *ms;
  }

  static std::optional<int64_t> SecondsToMs(const Token& token) {
    if (token.kind == TokenKind::kDuration) return token.duration_ms;
    // Above this Prometheus' nanoseconds do not fit 64 bits.
    constexpr double kMaxSeconds = 9'223'372'036.0;
    if (!(token.number >= 0 && token.number < kMaxSeconds)) return std::nullopt;
    return std::llround(token.number * 1000);
  }

  ExprPtr ParseRange(ExprPtr expr) {
    const uint32_t start = expr->position.start;
    Advance();
    const Position range_position = token_.position;
    const auto range_ms = ParseDuration("subquery or range selector");
    if (!range_ms.has_value()) return nullptr;
    if (*range_ms <= 0) return FailAt(range_position, "duration must be greater than 0");
    if (token_.kind == TokenKind::kColon) return ParseSubquery(std::move(expr), *range_ms);
    if (!Take(TokenKind::kRightBracket)) {
      return Unexpected("subquery or range selector", "\":\" or \"]\"");
    }
    if (expr->kind != ExprKind::kVectorSelector) {
      return FailAt({start, last_end_}, "ranges only allowed for vector selectors");
    }
    std::unique_ptr<VectorSelector> selector(static_cast<VectorSelector*>(expr.release()));
    if (selector->modifier.offset_ms.has_value()) {
      return FailAt({start, last_end_}, "no offset modifiers allowed before range");
    }
    if (selector->modifier.at != TimeModifier::At::kNone) {
      return FailAt({start, last_end_}, "no @ modifiers allowed before range");
    }
    auto matrix = std::make_unique<MatrixSelector>();
    matrix->selector = std::move(selector);
    matrix->range_ms = *range_ms;
    return Finish(std::move(matrix), start, 1);
  }

  ExprPtr ParseSubquery(ExprPtr inner, int64_t range_ms) {
    Advance();
    auto subquery = std::make_unique<Subquery>();
    subquery->range_ms = range_ms;
    if (token_.kind != TokenKind::kRightBracket) {
      const Position step_position = token_.position;
      const auto step_ms = ParseDuration("subquery selector");
      if (!step_ms.has_value()) return nullptr;
      if (*step_ms <= 0) return FailAt(step_position, "duration must be greater than 0");
      subquery->step_ms = *step_ms;
    }
    if (!Take(TokenKind::kRightBracket)) return Unexpected("subquery selector", "\"]\"");
    const uint32_t start = inner->position.start;
    const uint32_t depth = inner->depth;
    subquery->inner = std::move(inner);
    return Finish(std::move(subquery), start, depth);
  }

  static TimeModifier* ModifierOf(Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kVectorSelector:
        return &static_cast<VectorSelector&>(expr).modifier;
      case ExprKind::kMatrixSelector:
        return &static_cast<MatrixSelector&>(expr).selector->modifier;
      case ExprKind::kSubquery:
        return &static_cast<Subquery&>(expr).modifier;
      default:
        return nullptr;
    }
  }

  ExprPtr ParseOffset(ExprPtr expr) {
    Advance();
    const auto offset_ms = ParseDuration("offset");
    if (!offset_ms.has_value()) return nullptr;
    expr->position.end = last_end_;
    TimeModifier* const modifier = ModifierOf(*expr);
    if (modifier == nullptr) {
      return FailAt(expr->position,
                    "offset modifier must be preceded by an instant vector selector or range "
                    "vector selector or a subquery");
    }
    if (modifier->offset_ms.has_value()) {
      return FailAt(expr->position, "offset may not be set multiple times");
    }
    modifier->offset_ms = *offset_ms;
    return expr;
  }

  ExprPtr ParseAt(ExprPtr expr) {
    Advance();
    TimeModifier parsed;
    if (!ParseAtTime(parsed)) return nullptr;
    expr->position.end = last_end_;
    TimeModifier* const modifier = ModifierOf(*expr);
    if (modifier == nullptr) {
      return FailAt(expr->position,
                    "@ modifier must be preceded by an instant vector selector or range vector "
                    "selector or a subquery");
    }
    if (modifier->at != TimeModifier::At::kNone) {
      return FailAt(expr->position, "@ <timestamp> may not be set multiple times");
    }
    modifier->at = parsed.at;
    modifier->at_ms = parsed.at_ms;
    return expr;
  }

  bool ParseAtTime(TimeModifier& modifier) {
    if (IsKeyword(token_, "start") || IsKeyword(token_, "end")) {
      modifier.at = IsKeyword(token_, "start") ? TimeModifier::At::kStart : TimeModifier::At::kEnd;
      Advance();
      if (Take(TokenKind::kLeftParen) && Take(TokenKind::kRightParen)) return true;
      Unexpected("@", "\"()\"");
      return false;
    }
    const bool negative = token_.kind == TokenKind::kMinus;
    if (negative || token_.kind == TokenKind::kPlus) Advance();
    if (token_.kind != TokenKind::kNumber && token_.kind != TokenKind::kDuration) {
      Unexpected("@", "timestamp");
      return false;
    }
    const double ms = (negative ? -token_.number : token_.number) * 1000;
    // The greatest double below 2^63.
    if (!(std::fabs(ms) <= 9.223372036854775e18)) {
      FailAt(token_.position, "timestamp out of bounds for @ modifier");
      return false;
    }
    modifier.at = TimeModifier::At::kTime;
    // No data is further away, and what is computed from it does not overflow.
    constexpr double kFarMs = 8.64e15;
    modifier.at_ms = std::llround(std::clamp(ms, -kFarMs, kFarMs));
    Advance();
    return true;
  }

  ExprPtr ParsePrimary() {
    const uint32_t start = token_.position.start;
    switch (token_.kind) {
      case TokenKind::kNumber:
      case TokenKind::kDuration: {
        auto number = std::make_unique<NumberLiteral>(token_.number);
        Advance();
        return Finish(std::move(number), start, 0);
      }
      case TokenKind::kString: {
        auto string = std::make_unique<StringLiteral>(std::move(token_.text));
        Advance();
        return Finish(std::move(string), start, 0);
      }
      case TokenKind::kLeftParen:
        return ParseParen();
      case TokenKind::kLeftBrace:
        return ParseSelector(std::nullopt, start);
      case TokenKind::kWord:
        return ParseWord();
      case TokenKind::kRightParen:
        return FailAt(token_.position, "unexpected right parenthesis ')'");
      default:
        return Unexpected("", "");
    }
  }

  ExprPtr ParseParen() {
    const Position open = token_.position;
    Advance();
    ExprPtr inner = ParseBinary(0);
    if (inner == nullptr) return nullptr;
    if (token_.kind == TokenKind::kEnd) return FailAt(open, "unclosed left parenthesis");
    if (!Take(TokenKind::kRightParen)) return Unexpected("", "\")\"");
    const uint32_t depth = inner->depth;
    return Finish(std::make_unique<Paren>(std::move(inner)), open.start, depth);
  }

  ExprPtr ParseWord() {
    Token word = std::move(token_);
    Advance();
    const uint32_t start = word.position.start;
    if (IsKeyword(word, "inf") || IsKeyword(word, "nan")) {
      return Finish(std::make_unique<NumberLiteral>(*ParseNumber(word.text)), start, 0);
    }
    if (const AggregateKeyword* aggregate = FindAggregate(word)) {
      if (token_.kind == TokenKind::kLeftParen || IsKeyword(token_, "by") ||
          IsKeyword(token_, "without")) {
        return ParseAggregate(*aggregate, word);
      }
    }
    if (token_.kind == TokenKind::kLeftParen) return ParseCall(word);
    return ParseSelector(std::move(word.text), start);
  }

  // "(a, b)" after the opening parenthesis has been seen.
  bool ParseArguments(std::vector<ExprPtr>& arguments) {
    const Position open = token_.position;
    Advance();
    if (Take(TokenKind::kRightParen)) return true;
    while (true) {
      ExprPtr argument = ParseBinary(0);
      if (argument == nullptr) return false;
      arguments.push_back(std::move(argument));
      if (Take(TokenKind::kRightParen)) return true;
      if (token_.kind == TokenKind::kEnd) {
        FailAt(open, "unclosed left parenthesis");
        return false;
      }
      if (!Take(TokenKind::kComma)) {
        Unexpected("", "\",\" or \")\"");
        return false;
      }
      if (token_.kind == TokenKind::kRightParen) {
        FailAt(token_.position, "trailing commas not allowed in function call args");
        return false;
      }
    }
  }

  static uint32_t DepthOf(const std::vector<ExprPtr>& exprs) {
    uint32_t depth = 0;
    for (const ExprPtr& expr : exprs) depth = std::max(depth, expr->depth);
    return depth;
  }

  ExprPtr ParseCall(const Token& name) {
    const Function* function = FindFunction(name.text);
    if (function == nullptr) {
      return FailAt(name.position, fmt::format("unknown function with name \"{}\"", name.text));
    }
    auto call = std::make_unique<Call>(*function);
    if (!ParseArguments(call->arguments)) return nullptr;
    const uint32_t depth = DepthOf(call->arguments);
    return Finish(std::move(call), name.position.start, depth);
  }

  bool ParseGrouping(Aggregate& aggregate) {
    if (!IsKeyword(token_, "by") && !IsKeyword(token_, "without")) return true;
    aggregate.without = IsKeyword(token_, "without");
    Advance();
    return ParseLabelList(aggregate.labels);
  }

  ExprPtr ParseAggregate(const AggregateKeyword& keyword, const Token& word) {
    auto aggregate = std::make_unique<Aggregate>();
    aggregate->op = keyword.op;
    const bool grouped_before = token_.kind != TokenKind::kLeftParen;
    if (!ParseGrouping(*aggregate)) return nullptr;
    if (token_.kind != TokenKind::kLeftParen) return Unexpected("aggregation", "\"(\"");
    std::vector<ExprPtr> arguments;
    if (!ParseArguments(arguments)) return nullptr;
    if (!grouped_before && !ParseGrouping(*aggregate)) return nullptr;
    const Position position{word.position.start, last_end_};
    if (arguments.empty()) {
      return FailAt(position, "no arguments for aggregate expression provided");
    }
    const size_t want = keyword.parameter.has_value() ? 2 : 1;
    if (arguments.size() != want) {
      return FailAt(position,
                    fmt::format("wrong number of arguments for aggregate expression provided, "
                                "expected {}, got {}",
                                want, arguments.size()));
    }
    const uint32_t depth = DepthOf(arguments);
    aggregate->inner = std::move(arguments.back());
    if (want == 2) aggregate->parameter = std::move(arguments.front());
    return Finish(std::move(aggregate), position.start, depth);
  }

  // "(a, "b", c,)".
  bool ParseLabelList(std::vector<std::string>& labels) {
    constexpr std::string_view kWhere = "grouping opts";
    if (!Take(TokenKind::kLeftParen)) return Unexpected(kWhere, "\"(\"") != nullptr;
    while (token_.kind != TokenKind::kRightParen) {
      const bool is_name = (token_.kind == TokenKind::kWord && IsLabelName(token_.text)) ||
                           (token_.kind == TokenKind::kString && !token_.text.empty());
      if (!is_name) return Unexpected(kWhere, "label") != nullptr;
      labels.push_back(std::move(token_.text));
      Advance();
      if (!Take(TokenKind::kComma) && token_.kind != TokenKind::kRightParen) {
        return Unexpected(kWhere, "\",\" or \")\"") != nullptr;
      }
    }
    Advance();
    return true;
  }

  // "{a="b", "metric name", …}", after the metric's name where there was one; the braces may be
  // missing then.
  ExprPtr ParseSelector(std::optional<std::string> name, uint32_t start) {
    auto selector = std::make_unique<VectorSelector>();
    if (Take(TokenKind::kLeftBrace)) {
      while (!Take(TokenKind::kRightBrace)) {
        if (!ParseMatcher(*selector, name)) return nullptr;
        if (!Take(TokenKind::kComma) && token_.kind != TokenKind::kRightBrace) {
          return Unexpected("label matching", "\",\" or \"}\"");
        }
      }
    }
    if (name.has_value()) {
      for (const LabelMatcher& matcher : selector->matchers) {
        if (matcher.name == kMetricName) {
          return NamedTwice({start, last_end_}, *name, matcher.value);
        }
      }
      selector->matchers.push_back(
          {LabelMatcher::Op::kEqual, std::string(kMetricName), *std::move(name)});
    }
    return Finish(std::move(selector), start, 0);
  }

  std::nullptr_t NamedTwice(Position position, std::string_view one, std::string_view other) {
    return FailAt(position,
                  fmt::format("metric name must not be set twice: \"{}\" or \"{}\"", one, other));
  }

  // a="b", or the metric's name in quotes.
  bool ParseMatcher(VectorSelector& selector, std::optional<std::string>& metric) {
    constexpr std::string_view kWhere = "label matching";
    const Position position = token_.position;
    const bool quoted = token_.kind == TokenKind::kString;
    if (!quoted && !(token_.kind == TokenKind::kWord && IsLabelName(token_.text))) {
      return Unexpected(kWhere, "identifier or \"}\"") != nullptr;
    }
    std::string name = std::move(token_.text);
    Advance();
    if (quoted && (token_.kind == TokenKind::kComma || token_.kind == TokenKind::kRightBrace)) {
      if (metric.has_value()) return NamedTwice(position, *metric, name) != nullptr;
      metric = std::move(name);
      return true;
    }
    const auto op = MatchOp(token_.kind);
    if (!op.has_value()) return Unexpected(kWhere, "label matching operator") != nullptr;
    Advance();
    if (token_.kind != TokenKind::kString) return Unexpected(kWhere, "string") != nullptr;
    selector.matchers.push_back({*op, std::move(name), std::move(token_.text)});
    Advance();
    return true;
  }

  std::string_view query_;
  Lexer lexer_;
  Token token_;
  uint32_t last_end_ = 0;  // of the token before token_
  int nesting_ = 0;
  std::optional<Complaint> failure_;
};

}  // namespace

std::string LineAndColumn(std::string_view query, size_t at) {
  const std::string_view before = query.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_break = before.rfind('\n');
  const size_t line_start = line_break == std::string_view::npos ? 0 : line_break + 1;
  return fmt::format("{}:{}", line, before.size() - line_start + 1);
}

absl::StatusOr<ExprPtr> Parse(std::string_view query) {
  if (query.size() > kMaxQueryBytes) {
    return absl::InvalidArgumentError(fmt::format(
        "1:1: parse error: query of {} bytes is longer than {}", query.size(), kMaxQueryBytes));
  }
  if (!IsValidUtf8(query)) {
    return absl::InvalidArgumentError("1:1: parse error: query is not valid UTF-8");
  }
  Parser parser(query);
  ExprPtr expr = parser.ParseQuery();
  if (expr == nullptr) return absl::InvalidArgumentError(parser.ErrorText());
  return expr;
}

absl::StatusOr<std::vector<LabelMatcher>> ParseSelector(std::string_view query) {
  absl::StatusOr<ExprPtr> expr = Parse(query);
  if (!expr.ok()) return std::move(expr).status();
  const auto* selector =
      (*expr)->kind == ExprKind::kVectorSelector ? &As<VectorSelector>(**expr) : nullptr;
  if (selector == nullptr || selector->modifier.offset_ms.has_value() ||
      selector->modifier.at != TimeModifier::At::kNone) {
    return absl::InvalidArgumentError("1:1: parse error: expected a series selector");
  }
  return selector->matchers;
}

}  // namespace leadline::collector::promql::parse
