#include "collector/promql/engine.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include <fmt/format.h>

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/evaluator.h"
#include "collector/promql/exec/range.h"
#include "collector/promql/parse/parser.h"
#include "collector/promql/plan/plan.h"
#include "common/status_macros.h"

namespace leadline::collector::promql {
namespace {

using exec::Context;
using exec::Evaluator;
using exec::StepSeries;

ResultSeries ToResult(const Context& context, const StepSeries& series) {
  ResultSeries result;
  result.labels = series.VisibleLabels();
  for (size_t step = 0; step < series.values.size(); ++step) {
    if (!IsAbsent(series.values[step])) {
      result.ts_ms.push_back(context.StepTime(step));
      result.values.push_back(series.values[step]);
    } else if (series.histogram(step) != nullptr) {
      result.histogram_ts_ms.push_back(context.StepTime(step));
      result.histograms.push_back(series.histograms[step]);
    }
  }
  return result;
}

// Whether the query itself says in which order an instant result comes.
bool IsOrdered(const parse::Expr& expr) {
  const parse::Expr& inner = parse::Unwrap(expr);
  if (inner.kind == parse::ExprKind::kCall) {
    const Function& function = parse::As<parse::Call>(inner).function;
    return function.Is(Form::kSort) || function.Is(Form::kSortDesc) ||
           function.Is(Form::kSortByLabel) || function.Is(Form::kSortByLabelDesc);
  }
  if (inner.kind != parse::ExprKind::kAggregate) return false;
  const parse::AggregateOp op = parse::As<parse::Aggregate>(inner).op;
  return op == parse::AggregateOp::kTopk || op == parse::AggregateOp::kBottomk;
}

void SortByLabels(std::vector<ResultSeries>& series) {
  std::sort(series.begin(), series.end(),
            [](const ResultSeries& a, const ResultSeries& b) { return a.labels < b.labels; });
}

absl::StatusOr<std::vector<ResultSeries>> CollectVector(Context& context, const parse::Expr& expr) {
  std::vector<ResultSeries> series;
  LL_RETURN_IF_ERROR(Evaluator(context).Vector(expr, "", [&](const StepSeries& one) {
    LL_RETURN_IF_ERROR(context.budget.Charge(one.sample_count()));
    series.push_back(ToResult(context, one));
    return absl::OkStatus();
  }));
  return series;
}

Context MakeContext(const store::Queryable& queryable, const EngineOptions& limits,
                    std::string_view tenant, std::string_view query, const plan::Plan& plan,
                    WorkerPool* workers, size_t helpers, const QueryOptions& options) {
  const absl::Duration lookback =
      options.lookback > absl::ZeroDuration() ? options.lookback : limits.lookback;
  return Context{.queryable = queryable,
                 .tenant = std::string(tenant),
                 .query = query,
                 .lookback_ms = absl::ToInt64Milliseconds(lookback),
                 .deadline = absl::Now() + std::min(options.timeout, limits.timeout),
                 .cancelled = options.cancelled,
                 .budget = exec::SampleBudget(limits.max_samples),
                 .annotations = {},
                 .plan = &plan,
                 .workers = workers,
                 .helpers = helpers};
}

}  // namespace

Engine::Engine(const store::Queryable& queryable, EngineOptions options)
    : queryable_(queryable),
      options_(options),
      helpers_(
          std::max<size_t>(
              options.threads == 0 ? std::thread::hardware_concurrency() : options.threads, 1) -
          1),
      workers_(helpers_ == 0 ? nullptr : std::make_unique<WorkerPool>(static_cast<int>(helpers_))) {
}

absl::StatusOr<QueryResult> Engine::Instant(std::string_view tenant, std::string_view query,
                                            int64_t ts_ms, const QueryOptions& options) const {
  LL_ASSIGN_OR_RETURN(const parse::ExprPtr expr, parse::Parse(query));
  LL_RETURN_IF_ERROR(parse::BindDurations(*expr, query, {}));
  const plan::Plan plan = plan::Plan::Make(*expr);
  Context context =
      MakeContext(queryable_, options_, tenant, query, plan, workers_.get(), helpers_, options);
  context.start_ms = context.end_ms = ts_ms;
  context.query_start_ms = context.query_end_ms = ts_ms;
  LL_RETURN_IF_ERROR(context.CheckTime());
  QueryResult result;
  result.ts_ms = ts_ms;
  switch (expr->type) {
    case ValueType::kString:
      result.type = QueryResult::Type::kString;
      result.string = parse::As<parse::StringLiteral>(parse::Unwrap(*expr)).value;
      break;
    case ValueType::kScalar: {
      result.type = QueryResult::Type::kScalar;
      LL_ASSIGN_OR_RETURN(const std::vector<double> values, Evaluator(context).Scalar(*expr));
      result.scalar = values.front();
      break;
    }
    case ValueType::kInstantVector: {
      result.type = QueryResult::Type::kVector;
      LL_ASSIGN_OR_RETURN(result.series, CollectVector(context, *expr));
      if (!IsOrdered(*expr)) SortByLabels(result.series);
      break;
    }
    case ValueType::kRangeVector: {
      result.type = QueryResult::Type::kMatrix;
      LL_ASSIGN_OR_RETURN(result.series, exec::SelectRaw(context, *expr));
      SortByLabels(result.series);
      break;
    }
  }
  result.annotations = std::move(context.annotations);
  return result;
}

absl::StatusOr<QueryResult> Engine::Range(std::string_view tenant, std::string_view query,
                                          int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                          const QueryOptions& options) const {
  if (end_ms < start_ms || step_ms <= 0) {
    return absl::InvalidArgumentError(
        fmt::format("range from {} to {} ms by {} ms is none", start_ms, end_ms, step_ms));
  }
  LL_ASSIGN_OR_RETURN(const parse::ExprPtr expr, parse::Parse(query));
  if (expr->type != ValueType::kInstantVector && expr->type != ValueType::kScalar) {
    return absl::InvalidArgumentError(
        fmt::format("invalid expression type \"{}\" for range query, must be Scalar or instant "
                    "Vector",
                    ValueTypeName(expr->type)));
  }
  LL_RETURN_IF_ERROR(
      parse::BindDurations(*expr, query, {.step_ms = step_ms, .range_ms = end_ms - start_ms}));
  const plan::Plan plan = plan::Plan::Make(*expr);
  Context context =
      MakeContext(queryable_, options_, tenant, query, plan, workers_.get(), helpers_, options);
  context.start_ms = start_ms;
  context.end_ms = end_ms;
  context.step_ms = step_ms;
  context.query_start_ms = start_ms;
  context.query_end_ms = end_ms;
  context.query_step_ms = step_ms;
  LL_RETURN_IF_ERROR(context.CheckTime());
  QueryResult result;
  result.type = QueryResult::Type::kMatrix;
  if (expr->type == ValueType::kScalar) {
    LL_ASSIGN_OR_RETURN(std::vector<double> values, Evaluator(context).Scalar(*expr));
    ResultSeries& series = result.series.emplace_back();
    for (size_t step = 0; step < values.size(); ++step) {
      series.ts_ms.push_back(context.StepTime(step));
    }
    series.values = std::move(values);
  } else {
    LL_ASSIGN_OR_RETURN(result.series, CollectVector(context, *expr));
    SortByLabels(result.series);
  }
  result.annotations = std::move(context.annotations);
  return result;
}

}  // namespace leadline::collector::promql
