#include "collector/promql/engine.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/evaluator.h"
#include "collector/promql/exec/looked_at.h"
#include "collector/promql/exec/range.h"
#include "collector/promql/join_equal.h"
#include "collector/promql/parse/parser.h"
#include "collector/promql/plan/plan.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::collector::promql {
namespace {

using exec::Context;
using exec::Evaluator;
using exec::StepSeries;

ResultSeries ToResult(const Context& context, const StepSeries& series) {
  ResultSeries result;
  result.labels = series.VisibleLabels();
  const auto floats = static_cast<size_t>(std::count_if(
      series.values.begin(), series.values.end(), [](double value) { return !IsAbsent(value); }));
  result.ts_ms.reserve(floats);
  result.values.reserve(floats);
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

// Whether series lose different names, so that they may be the same without.
class DroppedNames {
 public:
  void Add(const StepSeries& series) {
    const std::string_view name =
        series.name_dropped ? series.labels->Get(kMetricName) : std::string_view();
    if (any_ && name != first_) several_ = true;
    if (!std::exchange(any_, true)) first_ = name;
  }
  bool several() const { return several_; }

 private:
  bool any_ = false;
  bool several_ = false;
  std::string first_;
};

// In order of labels, unless the query gives another; each label set once.
absl::StatusOr<std::vector<ResultSeries>> CollectVector(Context& context, const parse::Expr& expr,
                                                        bool is_ordered) {
  std::vector<ResultSeries> series;
  DroppedNames names;
  LL_RETURN_IF_ERROR(Evaluator(context).Vector(expr, "", [&](const StepSeries& one) {
    LL_RETURN_IF_ERROR(context.budget.Charge(one.sample_count()));
    LL_RETURN_IF_ERROR(
        context.budget.ChargeBytes(sizeof(ResultSeries) + exec::BytesOf(*one.labels)));
    series.push_back(ToResult(context, one));
    names.Add(one);
    return absl::OkStatus();
  }));
  if (!is_ordered) SortByLabels(series);
  if (names.several()) {
    LL_RETURN_IF_ERROR(is_ordered ? CheckUnequal(series) : JoinEqual(series));
  }
  return series;
}

absl::Status EvaluateInstant(Context& context, const parse::Expr& expr, QueryResult& result) {
  result.ts_ms = context.end_ms;
  switch (expr.type) {
    case ValueType::kString:
      result.type = QueryResult::Type::kString;
      result.string = parse::As<parse::StringLiteral>(parse::Unwrap(expr)).value;
      break;
    case ValueType::kScalar: {
      result.type = QueryResult::Type::kScalar;
      LL_ASSIGN_OR_RETURN(const std::vector<double> values, Evaluator(context).Scalar(expr));
      result.scalar = values.front();
      break;
    }
    case ValueType::kInstantVector: {
      result.type = QueryResult::Type::kVector;
      LL_ASSIGN_OR_RETURN(result.series, CollectVector(context, expr, IsOrdered(expr)));
      break;
    }
    case ValueType::kRangeVector: {
      result.type = QueryResult::Type::kMatrix;
      LL_ASSIGN_OR_RETURN(result.series, exec::SelectRaw(context, expr));
      SortByLabels(result.series);
      if (parse::Unwrap(expr).kind == parse::ExprKind::kSubquery) return JoinEqual(result.series);
      break;
    }
  }
  return absl::OkStatus();
}

absl::Status EvaluateSteps(Context& context, const parse::Expr& expr, QueryResult& result) {
  result.type = QueryResult::Type::kMatrix;
  if (expr.type != ValueType::kScalar) {
    LL_ASSIGN_OR_RETURN(result.series, CollectVector(context, expr, /*is_ordered=*/false));
    return absl::OkStatus();
  }
  LL_ASSIGN_OR_RETURN(std::vector<double> values, Evaluator(context).Scalar(expr));
  ResultSeries& series = result.series.emplace_back();
  for (size_t step = 0; step < values.size(); ++step) {
    series.ts_ms.push_back(context.StepTime(step));
  }
  series.values = std::move(values);
  return absl::OkStatus();
}

size_t HelpersOf(const EngineOptions& options) {
  const size_t threads =
      options.threads == 0 ? std::thread::hardware_concurrency() : options.threads;
  return std::max<size_t>(threads, 1) - 1;
}

// How long a call may take: as its own options say, if not longer than the engine's.
struct TimeLimit {
  TimeLimit(absl::Duration own, absl::Duration most)
      : limit(std::min(own, most)), of(own < most ? "timeout" : "query-timeout") {}

  // With the limit, where it is what ended the call.
  absl::Status Told(const absl::Status& status) const {
    if (!absl::IsDeadlineExceeded(status)) return status;
    return absl::DeadlineExceededError(fmt::format("{}: it may take {} ({})", StatusMessage(status),
                                                   absl::FormatDuration(limit), of));
  }

  absl::Duration limit;
  std::string_view of;
};

// What the store finds damaged while it is read, it leaves out when it is asked again.
constexpr int kMaxDamages = 5;

template <typename Ask>
auto Answered(const TimeLimit& limit, Ask ask) {
  auto result = ask();
  for (int i = 0; i < kMaxDamages && absl::IsDataLoss(result.status()); ++i) result = ask();
  if (!result.ok()) result = limit.Told(result.status());
  return result;
}

}  // namespace

Engine::Engine(const store::Queryable& queryable, EngineOptions options)
    : queryable_(queryable),
      options_(std::move(options)),
      memory_(options_.max_total_memory_bytes),
      gate_(options_.max_concurrency, options_.max_waiting),
      store_gate_(options_.max_concurrency, options_.max_waiting),
      active_(*options_.clock),
      helpers_(HelpersOf(options_)),
      workers_(helpers_ == 0 ? nullptr : std::make_unique<WorkerPool>(static_cast<int>(helpers_))) {
  if (options_.active_file.empty()) return;
  const auto left = active_.KeepIn(options_.active_file);
  if (!left.ok()) {
    spdlog::warn("the queries that run are not kept in a file reason=\"{}\"",
                 StatusMessage(left.status()));
    return;
  }
  for (const std::string& query : *left) {
    spdlog::warn("a query had not ended when the collector last did query={}", query);
  }
}

absl::StatusOr<QueryResult> Engine::Run(const Question& question, const QueryOptions& options,
                                        Explanation* explanation) const {
  const absl::Time begin = SteadyNow();
  const absl::Time deadline = begin + std::min(options.timeout, options_.timeout);
  const bool range = question.step_ms > 0;
  LL_ASSIGN_OR_RETURN(const parse::ExprPtr expr, parse::Parse(question.query));
  if (range && expr->type != ValueType::kInstantVector && expr->type != ValueType::kScalar) {
    return absl::InvalidArgumentError(
        fmt::format("invalid expression type \"{}\" for range query, must be Scalar or instant "
                    "Vector",
                    ValueTypeName(expr->type)));
  }
  LL_RETURN_IF_ERROR(parse::BindDurations(
      *expr, question.query,
      {.step_ms = question.step_ms, .range_ms = question.end_ms - question.start_ms}));
  const plan::Plan plan = plan::Plan::Make(*expr);
  const absl::Time prepared = SteadyNow();

  const auto entry = active_.Begin({.tenant = std::string(question.tenant),
                                    .query = std::string(question.query),
                                    .start_ms = question.start_ms,
                                    .end_ms = question.end_ms,
                                    .step_ms = question.step_ms});
  LL_ASSIGN_OR_RETURN(const auto turn, gate_.Enter(question.tenant, deadline, options.cancelled));
  const absl::Time entered = SteadyNow();
  exec::Budget budget({.samples = options_.max_samples, .bytes = options_.max_memory_bytes},
                      memory_);
  exec::Trace trace;
  std::optional<exec::LookedAt> looked_at;
  Context context{.queryable = queryable_,
                  .tenant = std::string(question.tenant),
                  .query = question.query,
                  .start_ms = question.start_ms,
                  .end_ms = question.end_ms,
                  .step_ms = question.step_ms,
                  .query_start_ms = question.start_ms,
                  .query_end_ms = question.end_ms,
                  .query_step_ms = question.step_ms,
                  .lookback_ms = absl::ToInt64Milliseconds(options.lookback > absl::ZeroDuration()
                                                               ? options.lookback
                                                               : options_.lookback),
                  .max_source_resolution_ms =
                      options.max_source_resolution.has_value()
                          ? std::optional(absl::ToInt64Milliseconds(*options.max_source_resolution))
                          : std::nullopt,
                  .deadline = deadline,
                  .cancelled = options.cancelled,
                  .budget = budget,
                  .annotations = {},
                  .plan = &plan,
                  .workers = workers_.get(),
                  .helpers = helpers_,
                  .trace = explanation == nullptr && options.stats == nullptr ? nullptr : &trace};
  if (options.stats != nullptr) context.looked_at = &looked_at.emplace(context.steps());
  LL_RETURN_IF_ERROR(context.CheckTime());
  QueryResult result;
  LL_RETURN_IF_ERROR(range ? EvaluateSteps(context, *expr, result)
                           : EvaluateInstant(context, *expr, result));
  result.annotations = std::move(context.annotations);
  if (options.stats != nullptr) {
    *options.stats = {.queue_seconds = absl::ToDoubleSeconds(entered - prepared),
                      .preparation_seconds = absl::ToDoubleSeconds(prepared - begin),
                      .evaluation_seconds = absl::ToDoubleSeconds(SteadyNow() - entered),
                      .samples_read = trace.samples_read(),
                      .peak_samples = budget.peak_samples(),
                      .samples_looked_at = looked_at->steps(),
                      .start_ms = question.start_ms,
                      .step_ms = question.step_ms};
  }
  if (explanation != nullptr) {
    explanation->root = promql::Explain(*expr, plan, trace);
    explanation->steps = context.steps();
    explanation->peak_bytes = budget.peak_bytes();
    explanation->series = result.series.size();
    for (const ResultSeries& series : result.series) {
      explanation->samples += series.ts_ms.size() + series.histogram_ts_ms.size();
    }
    explanation->seconds = absl::ToDoubleSeconds(SteadyNow() - begin);
  }
  return result;
}

absl::Status Engine::AskStore(std::string_view tenant, std::string_view text, int64_t start_ms,
                              int64_t end_ms, const QueryOptions& options, Ask ask) const {
  const TimeLimit time(options.timeout, options_.timeout);
  const absl::Time deadline = SteadyNow() + time.limit;
  const auto entry = active_.Begin({.tenant = std::string(tenant),
                                    .query = std::string(text),
                                    .start_ms = start_ms,
                                    .end_ms = end_ms});
  const auto turn = store_gate_.Enter(tenant, deadline, options.cancelled);
  if (!turn.ok()) return time.Told(turn.status());
  exec::Budget budget({.bytes = options_.max_memory_bytes}, memory_);
  return time.Told(ask({.deadline = deadline, .cancelled = options.cancelled, .memory = &budget}));
}

absl::StatusOr<std::shared_ptr<const void>> Engine::Hold(uint64_t bytes) const {
  auto held = std::make_shared<exec::Budget>(
      exec::Budget::Limits{.bytes = options_.max_memory_bytes}, memory_);
  LL_RETURN_IF_ERROR(held->ChargeBytes(bytes));
  return std::shared_ptr<const void>(std::move(held));
}

absl::StatusOr<QueryResult> Engine::Instant(std::string_view tenant, std::string_view query,
                                            int64_t ts_ms, const QueryOptions& options) const {
  return Answered({options.timeout, options_.timeout}, [&] {
    return Run({tenant, query, ts_ms, ts_ms, 0}, options, nullptr);
  });
}

absl::StatusOr<QueryResult> Engine::Range(std::string_view tenant, std::string_view query,
                                          int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                          const QueryOptions& options) const {
  if (end_ms < start_ms || step_ms <= 0) {
    return absl::InvalidArgumentError(
        fmt::format("range from {} to {} ms by {} ms is none", start_ms, end_ms, step_ms));
  }
  return Answered({options.timeout, options_.timeout}, [&] {
    return Run({tenant, query, start_ms, end_ms, step_ms}, options, nullptr);
  });
}

absl::StatusOr<Explanation> Engine::Explain(std::string_view tenant, std::string_view query,
                                            int64_t start_ms, int64_t end_ms, int64_t step_ms,
                                            const QueryOptions& options) const {
  return Answered({options.timeout, options_.timeout}, [&]() -> absl::StatusOr<Explanation> {
    Explanation explanation;
    LL_ASSIGN_OR_RETURN([[maybe_unused]] const QueryResult result,
                        Run({tenant, query, step_ms > 0 ? start_ms : end_ms, end_ms, step_ms},
                            options, &explanation));
    return explanation;
  });
}

}  // namespace leadline::collector::promql
