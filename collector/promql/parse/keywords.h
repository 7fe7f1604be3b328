// PromQL's operators and keywords as tables. Internal to the parser.
#pragma once

#include <optional>
#include <string_view>

#include "absl/types/span.h"

#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::parse {

struct BinaryKeyword {
  std::string_view text;
  TokenKind token;  // kWord: `text` in any case
  BinaryOp op;
  int precedence;  // higher binds tighter
  bool right_associative = false;
};

// Prometheus' table of precedence.
inline constexpr int kUnaryPrecedence = 5;  // as of multiplication; only ^ binds tighter
absl::Span<const BinaryKeyword> BinaryKeywords();

struct AggregateKeyword {
  std::string_view text;
  AggregateOp op;
  std::optional<ValueType> parameter;
};

absl::Span<const AggregateKeyword> AggregateKeywords();

// nullptr where the token is none.
const BinaryKeyword* FindBinary(const Token& token);
const AggregateKeyword* FindAggregate(const Token& token);

// Whether the token is that word, in any case. `lower_case_word` is in lower case.
bool IsKeyword(const Token& token, std::string_view lower_case_word);

// Whether the word may be a metric's name as it is, without quotes.
bool MayNameMetric(const Token& word);

// Whether it is a keyword that is neither an operator nor an aggregation: "by", "offset", …
bool IsReserved(const Token& token);

}  // namespace leadline::collector::promql::parse
