#include "collector/promql/exec/binary.h"

#include <cmath>
#include <utility>

#include "collector/promql/value/histogram_trim.h"
#include "collector/promql/value/remarks.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::BinaryOp;

Sample Product(Histogram histogram, double factor) {
  histogram.Scale(factor);
  return CompactSample(std::move(histogram));
}

Sample Quotient(Histogram histogram, double divisor) {
  histogram.Divide(divisor);
  return CompactSample(std::move(histogram));
}

std::string_view TypeName(const Sample& sample) {
  return sample.histogram != nullptr ? "histogram" : "float";
}

}  // namespace

double ApplyFloats(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::kAdd:
      return left + right;
    case BinaryOp::kSub:
      return left - right;
    case BinaryOp::kMul:
      return left * right;
    case BinaryOp::kDiv:
      return left / right;
    case BinaryOp::kMod:
      return std::fmod(left, right);
    case BinaryOp::kPow:
      return std::pow(left, right);
    case BinaryOp::kAtan2:
      return std::atan2(left, right);
    case BinaryOp::kEqual:
      return left == right ? 1 : 0;
    case BinaryOp::kNotEqual:
      return left != right ? 1 : 0;
    case BinaryOp::kLess:
      return left < right ? 1 : 0;
    case BinaryOp::kLessEqual:
      return left <= right ? 1 : 0;
    case BinaryOp::kGreater:
      return left > right ? 1 : 0;
    case BinaryOp::kGreaterEqual:
      return left >= right ? 1 : 0;
    default:
      return std::nan("");
  }
}

double ElementOperator::Floats(double left, double right) const {
  const double result = ApplyFloats(op_, left, right);
  if (drops_name()) return result;
  if (parse::IsTrimming(op_)) return Incompatible("float", "float").value;
  if (result == 0) return AbsentValue();
  return kept_ == Kept::kLeft ? left : right;
}

Sample ElementOperator::Samples(const Sample& left, const Sample& right) const {
  if (left.histogram == nullptr && right.histogram == nullptr) {
    return {.value = Floats(left.value, right.value), .histogram = nullptr};
  }
  return WithHistogram(left, right);
}

Sample ElementOperator::WithHistogram(const Sample& left, const Sample& right) const {
  if (left.histogram != nullptr && right.histogram != nullptr) {
    if (op_ == BinaryOp::kAdd || op_ == BinaryOp::kSub) {
      return AddHistograms(*left.histogram, *right.histogram);
    }
    if (op_ == BinaryOp::kEqual || op_ == BinaryOp::kNotEqual) {
      return CompareHistograms(left, *right.histogram);
    }
  } else if (left.histogram != nullptr) {
    if (op_ == BinaryOp::kMul) return Product(*left.histogram, right.value);
    if (op_ == BinaryOp::kDiv) return Quotient(*left.histogram, right.value);
    if (op_ == BinaryOp::kTrimUpper) {
      return CompactSample(WithoutAbove(*left.histogram, right.value));
    }
    if (op_ == BinaryOp::kTrimLower) {
      return CompactSample(WithoutBelow(*left.histogram, right.value));
    }
  } else if (op_ == BinaryOp::kMul) {
    return Product(*right.histogram, left.value);
  }
  return Incompatible(TypeName(left), TypeName(right));
}

Sample ElementOperator::Incompatible(std::string_view left, std::string_view right) const {
  remarker_.Inform(remarks::IncompatibleTypes(parse::BinaryOpName(op_), left, right));
  return {};
}

Sample ElementOperator::AddHistograms(Histogram left, const Histogram& right) const {
  const bool subtract = op_ == BinaryOp::kSub;
  const AddOutcome outcome = left.Add(right, subtract ? -1 : 1);
  if (!outcome.compatible) {
    remarker_.Warn(remarks::IncompatibleBuckets(parse::BinaryOpName(op_)));
    return {};
  }
  const std::string_view operation = subtract ? "subtraction" : "addition";
  if (outcome.bounds_reconciled) remarker_.Inform(remarks::ReconciledBounds(operation));
  if (outcome.resets_conflict) remarker_.Warn(remarks::ConflictingResets(operation));
  if (subtract) left.reset_hint = model::ResetHint::kGauge;
  return CompactSample(std::move(left));
}

Sample ElementOperator::CompareHistograms(const Sample& left, const Histogram& right) const {
  const bool holds = (*left.histogram == right) == (op_ == BinaryOp::kEqual);
  if (returns_bool_) return {.value = holds ? 1.0 : 0.0, .histogram = nullptr};
  return holds ? left : Sample{};
}

void ApplyScalar(const ElementOperator& op, const std::vector<double>& scalar, bool scalar_is_left,
                 StepSeries& series) {
  for (size_t step = 0; step < series.values.size(); ++step) {
    double& value = series.values[step];
    if (!IsAbsent(value)) {
      value = scalar_is_left ? op.Floats(scalar[step], value) : op.Floats(value, scalar[step]);
    } else if (series.histogram(step) != nullptr) {
      const Sample number{.value = scalar[step], .histogram = nullptr};
      const Sample old = series.TakeHistogram(step);
      series.Set(step, scalar_is_left ? op.Samples(number, old) : op.Samples(old, number));
    }
  }
  series.name_dropped |= op.drops_name();
}

}  // namespace leadline::collector::promql::exec
