#include "collector/promql/exec/calls.h"

#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "collector/promql/exec/absent.h"
#include "collector/promql/exec/evaluator.h"
#include "collector/promql/exec/extended.h"
#include "collector/promql/exec/histograms.h"
#include "collector/promql/exec/info.h"
#include "collector/promql/exec/label_functions.h"
#include "collector/promql/exec/place.h"
#include "collector/promql/exec/range.h"
#include "collector/promql/exec/selector.h"
#include "collector/promql/exec/sort.h"
#include "collector/promql/value/remarks.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::As;

// Scalar arguments, in order, each with a value a step.
using Scalars = std::vector<std::vector<double>>;

absl::StatusOr<Scalars> ScalarArguments(Context& context, const parse::Call& call) {
  Scalars scalars;
  for (const parse::ExprPtr& argument : call.arguments) {
    if (argument->type != ValueType::kScalar) continue;
    LL_ASSIGN_OR_RETURN(scalars.emplace_back(), Evaluator(context).Scalar(*argument));
  }
  return scalars;
}

std::vector<std::string> TextArguments(const parse::Call& call) {
  std::vector<std::string> texts;
  for (const parse::ExprPtr& argument : call.arguments) {
    if (argument->type != ValueType::kString) continue;
    texts.push_back(As<parse::StringLiteral>(parse::Unwrap(*argument)).value);
  }
  return texts;
}

// The argument that is a vector; nullptr where there is none.
const parse::Expr* VectorArgument(const parse::Call& call) {
  for (const parse::ExprPtr& argument : call.arguments) {
    if (argument->type == ValueType::kInstantVector || argument->type == ValueType::kRangeVector) {
      return argument.get();
    }
  }
  return nullptr;
}

std::vector<double> StepSeconds(const Context& context) {
  std::vector<double> seconds(context.steps());
  for (size_t step = 0; step < seconds.size(); ++step) {
    seconds[step] = static_cast<double>(context.StepTime(step)) / 1000;
  }
  return seconds;
}

StepSeries WithoutLabels(std::vector<double> values) {
  StepSeries series(0);
  series.labels = std::make_shared<const LabelSet>();
  series.values = std::move(values);
  return series;
}

// The value where there is one float, else NaN.
absl::StatusOr<std::vector<double>> ToScalar(Context& context, const parse::Expr& vector) {
  std::vector<double> result(context.steps(), AbsentValue());
  std::vector<bool> several(context.steps());
  LL_RETURN_IF_ERROR(Evaluator(context).Vector(vector, "", [&](const StepSeries& series) {
    for (size_t step = 0; step < result.size(); ++step) {
      if (IsAbsent(series.values[step])) continue;
      several[step] = several[step] || !IsAbsent(result[step]);
      result[step] = series.values[step];
    }
    return absl::OkStatus();
  }));
  for (size_t step = 0; step < result.size(); ++step) {
    if (several[step] || IsAbsent(result[step])) {
      result[step] = std::numeric_limits<double>::quiet_NaN();
    }
  }
  return result;
}

// The greater (lesser) of two scalars at each step; NaN where one is.
absl::StatusOr<std::vector<double>> ExtremeOf(Context& context, const parse::Call& call) {
  LL_ASSIGN_OR_RETURN(Scalars scalars, ScalarArguments(context, call));
  const bool greater = call.function.Is(Form::kMaxOf);
  std::vector<double>& result = scalars[0];
  for (size_t step = 0; step < result.size(); ++step) {
    const double other = scalars[1][step];
    if (std::isnan(other) || (greater ? other > result[step] : other < result[step])) {
      result[step] = other;
    }
  }
  return std::move(result);
}

// Applies `change` to every series of the vector and drops its name.
absl::Status Transform(Context& context, const parse::Expr& vector, Emit emit,
                       absl::FunctionRef<void(StepSeries& series)> change) {
  return Evaluator(context).Vector(vector, "", [&](StepSeries series) {
    change(series);
    series.name_dropped = true;
    return series.HasAny() ? emit(std::move(series)) : absl::OkStatus();
  });
}

// Calls `compute` for each step with the scalars there.
class ByStep {
 public:
  explicit ByStep(const Scalars& scalars) : scalars_(scalars), now_(scalars.size()) {}
  absl::Span<const double> At(size_t step) {
    for (size_t i = 0; i < now_.size(); ++i) now_[i] = scalars_[i][step];
    return now_;
  }

 private:
  const Scalars& scalars_;
  std::vector<double> now_;
};

// FAILED_PRECONDITION where the function takes no such parameters.
absl::Status CheckParameters(const RangeFunction& function, const Scalars& scalars) {
  if (function.complaint == nullptr) return absl::OkStatus();
  ByStep parameters(scalars);
  for (size_t step = 0; step < scalars.front().size(); ++step) {
    const std::string complaint = function.complaint(parameters.At(step));
    if (!complaint.empty()) return absl::FailedPreconditionError(complaint);
  }
  return absl::OkStatus();
}

// Prometheus' remark on rates of what does not look like a counter.
void RemarkOnName(const StepSeries& series, const Remarker& remarker) {
  const std::string_view name = series.labels->Get(kMetricName);
  for (std::string_view suffix : {"_total", "_sum", "_count", "_bucket"}) {
    if (name.empty() || series.name_dropped || name.ends_with(suffix)) return;
  }
  if (series.histograms.empty() && series.columns == nullptr)
    remarker.Inform(remarks::NotACounter(name));
}

class Caller {
 public:
  Caller(Context& context, const parse::Call& call, Emit emit)
      : context_(context), call_(call), emit_(emit) {}

  absl::Status operator()(const RangeFunction& function) const {
    LL_ASSIGN_OR_RETURN(const Scalars scalars, ScalarArguments(context_, call_));
    LL_RETURN_IF_ERROR(CheckParameters(function, scalars));
    WarnOfParameter(function, scalars);
    const parse::Expr& range = *VectorArgument(call_);
    const Remarker remarker = RemarkerOn(context_, range);
    return EvaluateRange(context_, range, function, scalars, [&](StepSeries series) {
      if (function.of_counters) RemarkOnName(series, remarker);
      series.name_dropped |= !function.keeps_name;
      return emit_(std::move(series));
    });
  }

  absl::Status operator()(const ElementFunction& function) const {
    LL_ASSIGN_OR_RETURN(const Scalars scalars, ScalarArguments(context_, call_));
    const auto apply = [&](StepSeries& series) {
      ByStep parameters(scalars);
      series.histograms.clear();
      for (size_t step = 0; step < series.values.size(); ++step) {
        double& value = series.values[step];
        if (!IsAbsent(value)) value = function.kernel(value, parameters.At(step));
      }
    };
    if (const parse::Expr* vector = VectorArgument(call_)) {
      return Transform(context_, *vector, emit_, apply);
    }
    StepSeries series = WithoutLabels(StepSeconds(context_));
    apply(series);
    return emit_(std::move(series));
  }

  absl::Status operator()(const HistogramFunction& function) const {
    LL_ASSIGN_OR_RETURN(const Scalars scalars, ScalarArguments(context_, call_));
    return Transform(context_, *VectorArgument(call_), emit_, [&](StepSeries& series) {
      ByStep parameters(scalars);
      for (size_t step = 0; step < series.values.size(); ++step) {
        const Histogram* const histogram = series.histogram(step);
        series.values[step] =
            histogram == nullptr ? AbsentValue() : function.kernel(*histogram, parameters.At(step));
      }
      series.histograms.clear();
    });
  }

  absl::Status operator()(Form form) const {
    switch (form) {
      case Form::kAbsent:
      case Form::kAbsentOverTime:
        return EvaluateAbsent(context_, call_, emit_);
      case Form::kHistogramFraction:
        return EvaluateHistogramFraction(context_, call_, emit_);
      case Form::kHistogramQuantile:
        return EvaluateHistogramQuantile(context_, call_, emit_);
      case Form::kHistogramQuantiles:
        return EvaluateHistogramQuantiles(context_, call_, emit_);
      case Form::kInfo:
        return EvaluateInfo(context_, call_, emit_);
      case Form::kLabelJoin:
        return EvaluateLabelJoin(context_, call_, emit_);
      case Form::kLabelReplace:
        return EvaluateLabelReplace(context_, call_, emit_);
      case Form::kSort:
      case Form::kSortDesc:
        return EvaluateSort(context_, *call_.arguments.front(), form == Form::kSortDesc, emit_);
      case Form::kSortByLabel:
      case Form::kSortByLabelDesc:
        return EvaluateSortByLabel(context_, *call_.arguments.front(), TextArguments(call_),
                                   form == Form::kSortByLabelDesc, emit_);
      case Form::kTimestamp:
        return Timestamp();
      case Form::kVector: {
        LL_ASSIGN_OR_RETURN(std::vector<double> values,
                            Evaluator(context_).Scalar(*call_.arguments.front()));
        return emit_(WithoutLabels(std::move(values)));
      }
      case Form::kEnd:
      case Form::kMaxOf:
      case Form::kMinOf:
      case Form::kPi:
      case Form::kRange:
      case Form::kScalar:
      case Form::kStart:
      case Form::kStep:
      case Form::kTime:
        break;
    }
    return absl::InternalError("function gives no vector");
  }

 private:
  // REQUIRES: a function that warns takes one scalar, its first argument.
  void WarnOfParameter(const RangeFunction& function, const Scalars& scalars) const {
    if (function.warning == nullptr) return;
    const Remarker remarker = RemarkerOn(context_, *call_.arguments.front());
    for (const double parameter : scalars.front()) {
      std::string warning = function.warning(parameter);
      if (!warning.empty()) remarker.Warn(std::move(warning));
    }
  }

  // Of a selector when its samples were taken, of anything else the step's time.
  absl::Status Timestamp() const {
    const parse::Expr& inner = parse::Unwrap(*call_.arguments.front());
    if (inner.kind == parse::ExprKind::kVectorSelector) {
      return SelectInstant(context_, As<parse::VectorSelector>(inner), What::kTimestamps,
                           [&](StepSeries series) {
                             series.name_dropped = true;
                             return emit_(std::move(series));
                           });
    }
    const std::vector<double> seconds = StepSeconds(context_);
    return Transform(context_, inner, emit_, [&](StepSeries& series) {
      for (size_t step = 0; step < seconds.size(); ++step) {
        if (series.has(step)) series.values[step] = seconds[step];
      }
      series.histograms.clear();
    });
  }

  Context& context_;
  const parse::Call& call_;
  Emit emit_;
};

}  // namespace

absl::StatusOr<std::vector<double>> CallScalar(Context& context, const parse::Call& call) {
  const auto seconds = [&context](int64_t ms) {
    return std::vector<double>(context.steps(), static_cast<double>(ms) / 1000);
  };
  switch (std::get<Form>(call.function.kernel)) {
    case Form::kEnd:
      return seconds(context.query_end_ms);
    case Form::kMaxOf:
    case Form::kMinOf:
      return ExtremeOf(context, call);
    case Form::kPi:
      return std::vector<double>(context.steps(), std::numbers::pi);
    case Form::kRange:
      return seconds(context.query_end_ms - context.query_start_ms);
    case Form::kScalar:
      return ToScalar(context, *call.arguments.front());
    case Form::kStart:
      return seconds(context.query_start_ms);
    case Form::kStep:
      return seconds(context.query_step_ms);
    case Form::kTime:
      return StepSeconds(context);
    default:
      return absl::InternalError("function gives no scalar");
  }
}

absl::Status CallVector(Context& context, const parse::Call& call, Emit emit) {
  LL_RETURN_IF_ERROR(CheckExtended(call));
  return std::visit(Caller(context, call, emit), call.function.kernel);
}

}  // namespace leadline::collector::promql::exec
