// What binary operators make of two values.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

// Arithmetic, or a comparison, which gives 1 or 0. REQUIRES: no set operator.
double ApplyFloats(parse::BinaryOp op, double left, double right);

// An operator between samples, of which either may be a histogram.
//
// A comparison filters: it gives the left sample, or nothing. With `bool` it gives 1 or 0. Trimming
// leaves a part of the left histogram. Types that do not go together give nothing, and an
// annotation.
// Source: Prometheus 3's vectorElemBinop.
class ElementOperator {
 public:
  enum class Kept { kLeft, kRight };  // which sample a comparison that filters gives

  ElementOperator(parse::BinaryOp op, bool returns_bool, Kept kept, Remarker remarker)
      : op_(op), returns_bool_(returns_bool), kept_(kept), remarker_(std::move(remarker)) {}

  double Floats(double left, double right) const;
  Sample Samples(const Sample& left, const Sample& right) const;

  // Whether the result is no longer the metric that it was.
  bool drops_name() const {
    return returns_bool_ || !(parse::IsComparison(op_) || parse::IsTrimming(op_));
  }

 private:
  Sample WithHistogram(const Sample& left, const Sample& right) const;
  Sample Incompatible(std::string_view left, std::string_view right) const;
  Sample AddHistograms(Histogram left, const Histogram& right) const;
  Sample CompareHistograms(const Sample& left, const Histogram& right) const;

  const parse::BinaryOp op_;
  const bool returns_bool_;
  const Kept kept_;
  const Remarker remarker_;
};

// `series` with the scalar at each step on the right of the operator, or on its left.
void ApplyScalar(const ElementOperator& op, const std::vector<double>& scalar, bool scalar_is_left,
                 StepSeries& series);

}  // namespace leadline::collector::promql::exec
