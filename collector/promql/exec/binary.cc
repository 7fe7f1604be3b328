#include "collector/promql/exec/binary.h"

#include <cmath>

#include <fmt/format.h>

namespace leadline::collector::promql::exec {
namespace {

using parse::BinaryOp;

std::shared_ptr<const Histogram> ApplyToHistogram(BinaryOp op, double scalar, bool scalar_is_left,
                                                  const Histogram& histogram) {
  if (op != BinaryOp::kMul && (op != BinaryOp::kDiv || scalar_is_left)) return nullptr;
  auto result = std::make_shared<Histogram>(histogram);
  result->Scale(op == BinaryOp::kMul ? scalar : 1 / scalar);
  return result;
}

}  // namespace

bool IsArithmetic(BinaryOp op) { return op <= BinaryOp::kAtan2; }

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
    default:
      return std::nan("");
  }
}

void ApplyScalar(BinaryOp op, const std::vector<double>& scalar, bool scalar_is_left,
                 StepSeries& series, Annotations& annotations) {
  for (size_t step = 0; step < series.values.size(); ++step) {
    double& value = series.values[step];
    if (!IsAbsent(value)) {
      value = scalar_is_left ? ApplyFloats(op, scalar[step], value)
                             : ApplyFloats(op, value, scalar[step]);
    } else if (const Histogram* histogram = series.histogram(step)) {
      auto result = ApplyToHistogram(op, scalar[step], scalar_is_left, *histogram);
      if (result == nullptr) {
        annotations.infos.insert(fmt::format(
            "PromQL info: incompatible sample types encountered for binary operator \"{}\": {}",
            parse::BinaryOpName(op),
            scalar_is_left ? "float and histogram" : "histogram and float"));
      }
      series.histograms[step] = std::move(result);
    }
  }
  series.name_dropped = true;
}

}  // namespace leadline::collector::promql::exec
