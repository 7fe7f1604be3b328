#include "collector/promql/exec/absent.h"

#include <memory>
#include <utility>
#include <vector>

#include "collector/promql/exec/evaluator.h"
#include "collector/promql/exec/range.h"
#include "collector/promql/functions/over_time.h"
#include "collector/promql/functions/sliding.h"
#include "common/labels.h"
#include "common/status_macros.h"
#include "common/string_map.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::As;
using parse::LabelMatcher;

// Those that are matched by equality, and by nothing else after that.
LabelSet LabelsOf(const parse::VectorSelector& selector) {
  LabelSet labels;
  StringSet seen;
  for (const LabelMatcher& matcher : selector.matchers) {
    if (matcher.name == kMetricName) continue;
    if (matcher.op == LabelMatcher::Op::kEqual && seen.insert(matcher.name).second) {
      labels.Set(matcher.name, matcher.value);
    } else {
      labels.Remove(matcher.name);
    }
  }
  return labels;
}

LabelSet LabelsOf(const parse::Expr& argument) {
  if (argument.kind == parse::ExprKind::kVectorSelector) {
    return LabelsOf(As<parse::VectorSelector>(argument));
  }
  if (argument.kind == parse::ExprKind::kMatrixSelector) {
    return LabelsOf(*As<parse::MatrixSelector>(argument).selector);
  }
  return {};
}

}  // namespace

absl::Status EvaluateAbsent(Context& context, const parse::Call& call, Emit emit) {
  const parse::Expr& argument = parse::Unwrap(*call.arguments.front());
  StepSeries result(context.steps());
  result.values.assign(context.steps(), 1);
  const auto note = [&](const StepSeries& series) {
    for (size_t step = 0; step < result.values.size(); ++step) {
      if (series.has(step)) result.values[step] = AbsentValue();
    }
    return absl::OkStatus();
  };
  if (argument.type == ValueType::kRangeVector) {
    const RangeFunction present{.kernel = PresentOverTime, .sliding = SlidePresent};
    LL_RETURN_IF_ERROR(EvaluateRange(context, argument, present, {}, note));
  } else {
    LL_RETURN_IF_ERROR(Evaluator(context).Vector(argument, call.function.name, note));
  }
  result.labels = std::make_shared<const LabelSet>(LabelsOf(argument));
  return result.HasAny() ? emit(std::move(result)) : absl::OkStatus();
}

}  // namespace leadline::collector::promql::exec
