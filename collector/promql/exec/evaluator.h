// Evaluates a syntax tree over all steps of a query at once.
//
// One query, one thread.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

class Evaluator {
 public:
  explicit Evaluator(Context& context) : context_(context) {}

  // One value a step. REQUIRES: a scalar expression.
  absl::StatusOr<std::vector<double>> Scalar(const parse::Expr& expr);

  // Series with distinct visible labels, none without any value, one at a time. REQUIRES: an
  // instant vector expression. `parent`: what is applied to its result, as a hint to the store.
  absl::Status Vector(const parse::Expr& expr, std::string_view parent, Emit emit);

 private:
  // Charges what a scalar takes, until the expression that asked for it has been evaluated.
  absl::Status ChargeScalar();
  // Vector, noted in the query's trace.
  absl::Status Traced(const parse::Expr& expr, std::string_view parent, Emit emit);
  absl::Status Dispatch(const parse::Expr& expr, std::string_view parent, Emit emit);
  // What is the same at every step.
  absl::Status Fixed(const parse::Expr& expr, std::string_view parent, Emit emit);
  absl::Status Negate(const parse::Unary& unary, Emit emit);
  absl::Status Binary(const parse::Binary& binary, Emit emit);
  absl::Status VectorAndScalar(const parse::Binary& binary, Emit emit);
  absl::Status Aggregate(const parse::Aggregate& aggregate, Emit emit);
  absl::Status QuantileOf(const parse::Aggregate& aggregate, Emit emit);
  absl::Status CountValuesOf(const parse::Aggregate& aggregate, Emit emit);
  absl::Status SelectBest(const parse::Aggregate& aggregate, Emit emit);
  absl::Status SelectFirst(const parse::Aggregate& aggregate, Emit emit);
  absl::Status SelectShare(const parse::Aggregate& aggregate, Emit emit);

  Context& context_;
};

}  // namespace leadline::collector::promql::exec
