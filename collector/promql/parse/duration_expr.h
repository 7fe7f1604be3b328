// Durations that are computed: [5m * 2], offset (step() + 1m), [min_of(range(), 1h)].
//
// Values are seconds. What depends on the query's own times is known once these are: see
// BindDurations. Immutable; free to share. Source: Prometheus 3's duration expressions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace leadline::collector::promql::parse {

struct Expr;

// Of a query: 0 and 0 where it is an instant one.
struct QueryTimes {
  int64_t step_ms = 0;
  int64_t range_ms = 0;  // from its first to its last step
};

struct DurationExpr {
  enum class Kind : uint8_t {
    kNumber,    // seconds, or a duration
    kStep,      // step()
    kRange,     // range()
    kMinOf,     // min_of(left, right)
    kMaxOf,     // max_of(left, right)
    kParen,     // (right)
    kNegative,  // -right
    kPositive,  // +right
    kAdd,       // left + right, and so on
    kSub,
    kMul,
    kDiv,
    kMod,
    kPow,
  };
  using Ptr = std::shared_ptr<const DurationExpr>;

  Kind kind = Kind::kNumber;
  double seconds = 0;
  bool is_duration = false;  // written as one
  Ptr left;
  Ptr right;
};

// Whether its value is known without the query's times.
bool IsConstant(const DurationExpr& expr);

// In milliseconds. INVALID_ARGUMENT where there is none: a division by zero, too large, or, of what
// has to be positive, not above 0.
absl::StatusOr<int64_t> EvaluateDuration(const DurationExpr& expr, const QueryTimes& times,
                                         bool must_be_positive);

// As PromQL.
std::string PrintDurationExpr(const DurationExpr& expr);

// Computes the durations of the tree that depend on the query's times. INVALID_ARGUMENT, with line
// and column, where one is none. `query` is the tree's text.
absl::Status BindDurations(Expr& expr, std::string_view query, const QueryTimes& times);

}  // namespace leadline::collector::promql::parse
