#include "collector/promql/parse/keywords.h"

#include <algorithm>

namespace leadline::collector::promql::parse {
namespace {

constexpr BinaryKeyword kBinary[] = {
    {"or", TokenKind::kWord, BinaryOp::kOr, 1},
    {"and", TokenKind::kWord, BinaryOp::kAnd, 2},
    {"unless", TokenKind::kWord, BinaryOp::kUnless, 2},
    {"==", TokenKind::kEqual, BinaryOp::kEqual, 3},
    {"!=", TokenKind::kNotEqual, BinaryOp::kNotEqual, 3},
    {"<", TokenKind::kLess, BinaryOp::kLess, 3},
    {"<=", TokenKind::kLessEqual, BinaryOp::kLessEqual, 3},
    {">", TokenKind::kGreater, BinaryOp::kGreater, 3},
    {">=", TokenKind::kGreaterEqual, BinaryOp::kGreaterEqual, 3},
    {"</", TokenKind::kTrimUpper, BinaryOp::kTrimUpper, 3},
    {">/", TokenKind::kTrimLower, BinaryOp::kTrimLower, 3},
    {"+", TokenKind::kPlus, BinaryOp::kAdd, 4},
    {"-", TokenKind::kMinus, BinaryOp::kSub, 4},
    {"*", TokenKind::kStar, BinaryOp::kMul, kUnaryPrecedence},
    {"/", TokenKind::kSlash, BinaryOp::kDiv, kUnaryPrecedence},
    {"%", TokenKind::kPercent, BinaryOp::kMod, kUnaryPrecedence},
    {"atan2", TokenKind::kWord, BinaryOp::kAtan2, kUnaryPrecedence},
    {"^", TokenKind::kCaret, BinaryOp::kPow, 6, true},
};

constexpr AggregateKeyword kAggregates[] = {
    {"sum", AggregateOp::kSum, std::nullopt},
    {"avg", AggregateOp::kAvg, std::nullopt},
    {"min", AggregateOp::kMin, std::nullopt},
    {"max", AggregateOp::kMax, std::nullopt},
    {"count", AggregateOp::kCount, std::nullopt},
    {"group", AggregateOp::kGroup, std::nullopt},
    {"stddev", AggregateOp::kStddev, std::nullopt},
    {"stdvar", AggregateOp::kStdvar, std::nullopt},
    {"topk", AggregateOp::kTopk, ValueType::kScalar},
    {"bottomk", AggregateOp::kBottomk, ValueType::kScalar},
    {"count_values", AggregateOp::kCountValues, ValueType::kString},
    {"quantile", AggregateOp::kQuantile, ValueType::kScalar},
    {"limitk", AggregateOp::kLimitk, ValueType::kScalar},
    {"limit_ratio", AggregateOp::kLimitRatio, ValueType::kScalar},
};

struct ReservedKeyword {
  std::string_view text;
  bool may_name_metric;
};

constexpr ReservedKeyword kReserved[] = {
    {"by", true},        {"without", true},     {"offset", true},       {"on", false},
    {"ignoring", false}, {"group_left", false}, {"group_right", false}, {"bool", false},
};

const ReservedKeyword* FindReserved(const Token& token) {
  const auto* found =
      std::find_if(std::begin(kReserved), std::end(kReserved),
                   [&token](const ReservedKeyword& row) { return IsKeyword(token, row.text); });
  return found == std::end(kReserved) ? nullptr : found;
}

}  // namespace

absl::Span<const BinaryKeyword> BinaryKeywords() { return kBinary; }
absl::Span<const AggregateKeyword> AggregateKeywords() { return kAggregates; }

bool IsKeyword(const Token& token, std::string_view lower_case_word) {
  const auto equal = [](char have, char want) {
    return (have >= 'A' && have <= 'Z' ? have - 'A' + 'a' : have) == want;
  };
  return token.kind == TokenKind::kWord &&
         std::equal(token.text.begin(), token.text.end(), lower_case_word.begin(),
                    lower_case_word.end(), equal);
}

const BinaryKeyword* FindBinary(const Token& token) {
  for (const BinaryKeyword& row : kBinary) {
    if (row.token == TokenKind::kWord ? IsKeyword(token, row.text) : row.token == token.kind) {
      return &row;
    }
  }
  return nullptr;
}

const AggregateKeyword* FindAggregate(const Token& token) {
  for (const AggregateKeyword& row : kAggregates) {
    if (IsKeyword(token, row.text)) return &row;
  }
  return nullptr;
}

bool MayNameMetric(const Token& word) {
  if (IsKeyword(word, "inf") || IsKeyword(word, "nan") || IsKeyword(word, "atan2")) return false;
  const ReservedKeyword* const reserved = FindReserved(word);
  return reserved == nullptr || reserved->may_name_metric;
}

bool IsReserved(const Token& token) { return FindReserved(token) != nullptr; }

}  // namespace leadline::collector::promql::parse
