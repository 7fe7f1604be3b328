#include "collector/promql/exec/range.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "collector/promql/exec/evaluator.h"
#include "collector/promql/exec/extended.h"
#include "collector/promql/exec/place.h"
#include "collector/promql/exec/selector.h"
#include "collector/promql/plan/plan.h"
#include "collector/promql/value/sums.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::As;

// What a range function looks at from each step.
struct Reach {
  const parse::TimeModifier& modifier;
  int64_t range_ms = 0;
  std::string place;  // of the range vector
};

Reach ReachOf(const Context& context, const parse::Expr& range_vector) {
  if (range_vector.kind == parse::ExprKind::kSubquery) {
    const auto& subquery = As<parse::Subquery>(range_vector);
    return {subquery.modifier, subquery.range_ms, PlaceOf(context, range_vector)};
  }
  const auto& matrix = As<parse::MatrixSelector>(range_vector);
  return {matrix.selector->modifier, matrix.range_ms, PlaceOf(context, range_vector)};
}

// The samples of one series that any step's window sees, in time order.
struct RangeSeries {
  std::shared_ptr<const LabelSet> labels;
  bool name_dropped = false;
  int64_t entity_start_ms = 0;
  int64_t entity_end_ms = model::kOpenEnd;
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
  std::vector<int64_t> histogram_ts_ms;
  std::vector<std::shared_ptr<const Histogram>> histograms;
  // Instead of those above, where all histograms are of one layout.
  std::shared_ptr<const HistogramColumns> columns;
  std::vector<uint32_t> resets;  // of the columns
  // Where samples stand for more than themselves; as in FloatWindows.
  std::vector<uint64_t> counted;
  std::vector<double> lost;
  std::vector<uint64_t> histograms_counted;

  bool empty() const { return ts_ms.empty() && histogram_ts_ms.empty(); }
  uint64_t sample_count() const { return ts_ms.size() + SampleCount(histograms); }
  uint64_t other_bytes() const { return sizeof(RangeSeries) + BytesOf(*labels); }
};

// For how many samples those before each stand, and all at the end.
std::vector<uint64_t> Counted(const std::vector<uint32_t>& counts) {
  std::vector<uint64_t> counted = {0};
  counted.reserve(counts.size() + 1);
  for (const uint32_t count : counts) counted.push_back(counted.back() + count);
  return counted;
}

std::shared_ptr<const HistogramColumns> Shared(std::optional<HistogramColumns> columns) {
  if (!columns.has_value()) return nullptr;
  return std::make_shared<const HistogramColumns>(*std::move(columns));
}

// Takes the block's columns. `as_columns`: histograms as columns where that is possible.
RangeSeries WithoutMarkers(store::SeriesBlock& block, bool as_columns) {
  RangeSeries series;
  series.labels = std::move(block.labels);
  series.entity_start_ms = block.entity_start_ms;
  series.entity_end_ms = block.entity_end_ms;
  const bool is_summary = !block.counts.empty();
  // Most series have none, or one at their end.
  size_t kept = NextAbsent(block.values, 0);
  for (size_t i = kept; i < block.values.size(); ++i) {
    if (model::IsStaleNan(block.values[i])) continue;
    block.values[kept] = block.values[i];
    if (is_summary) {
      block.counts[kept] = block.counts[i];
      block.lost[kept] = block.lost[i];
    }
    block.ts_ms[kept++] = block.ts_ms[i];
  }
  block.values.resize(kept);
  block.ts_ms.resize(kept);
  if (is_summary) {
    block.counts.resize(kept);
    block.lost.resize(kept);
    series.counted = Counted(block.counts);
    series.lost = std::move(block.lost);
  }
  series.values = std::move(block.values);
  series.ts_ms = std::move(block.ts_ms);
  series.columns = std::exchange(block.columns, nullptr);
  if (series.columns == nullptr) {
    DropHistograms(block, [](const auto& histogram) { return IsStale(histogram); });
    if (!block.histogram_counts.empty()) {
      series.histograms_counted = Counted(block.histogram_counts);
    }
    if (as_columns && series.ts_ms.empty()) series.columns = Shared(AsColumns(block.histograms));
  }
  if (series.columns != nullptr) series.resets = FindResets(*series.columns);
  if (series.columns == nullptr) {
    for (const model::NativeHistogram& histogram : block.histograms) {
      series.histograms.push_back(std::make_shared<const Histogram>(Histogram::From(histogram)));
    }
  }
  series.histogram_ts_ms = std::move(block.histogram_ts_ms);
  return series;
}

// A step's sample may be that of the step before, or not the one after that: what it says of a
// reset is not true between steps.
std::shared_ptr<const Histogram> WithoutReset(std::shared_ptr<const Histogram> histogram) {
  if (histogram->reset_hint != model::ResetHint::kReset) return histogram;
  auto without = std::make_shared<Histogram>(*histogram);
  without->reset_hint = model::ResetHint::kUnknown;
  return without;
}

RangeSeries FromSteps(const Context& context, StepSeries steps) {
  RangeSeries series;
  series.labels = std::move(steps.labels);
  series.name_dropped = steps.name_dropped;
  const auto floats = static_cast<size_t>(std::count_if(
      steps.values.begin(), steps.values.end(), [](double value) { return !IsAbsent(value); }));
  series.ts_ms.reserve(floats);
  series.values.reserve(floats);
  for (size_t step = 0; step < steps.values.size(); ++step) {
    if (!IsAbsent(steps.values[step])) {
      series.ts_ms.push_back(context.StepTime(step));
      series.values.push_back(steps.values[step]);
    } else if (steps.histogram(step) != nullptr) {
      series.histogram_ts_ms.push_back(context.StepTime(step));
      series.histograms.push_back(WithoutReset(std::move(steps.histograms[step])));
    }
  }
  return series;
}

// The inner expression at multiples of the step. `counted`: what it looks at is what the query
// does.
absl::StatusOr<std::vector<RangeSeries>> EvaluateSubquery(Context& context,
                                                          const parse::Subquery& subquery,
                                                          bool counted) {
  const int64_t step_ms = subquery.step_ms > 0 ? subquery.step_ms : kDefaultSubqueryStepMs;
  const int64_t after_ms = ReferenceTime(context, subquery.modifier, 0) - subquery.range_ms;
  const int64_t end_ms = ReferenceTime(context, subquery.modifier, context.steps() - 1);
  int64_t start_ms = after_ms / step_ms * step_ms;
  if (start_ms <= after_ms) start_ms += step_ms;
  std::vector<RangeSeries> result;
  if (start_ms > end_ms) return result;
  LookedAt* const outer = counted ? context.looked_at : nullptr;
  std::optional<LookedAt> looked_at;
  if (outer != nullptr) looked_at.emplace(static_cast<size_t>((end_ms - start_ms) / step_ms) + 1);
  const OtherSteps inner(context, start_ms, end_ms, step_ms,
                         outer == nullptr ? nullptr : &*looked_at);
  // Whatever the inner expression is, it holds a series or a scalar at a time.
  const uint64_t steps = context.steps();
  LL_RETURN_IF_ERROR(context.budget.Charge(steps));
  LL_RETURN_IF_ERROR(Evaluator(context).Vector(*subquery.inner, "", [&](StepSeries series) {
    const uint64_t before = series.sample_count();
    LL_RETURN_IF_ERROR(context.budget.Charge(before));
    result.push_back(FromSteps(context, std::move(series)));
    // Steps without a value are gone; histograms may have become several that were one.
    const uint64_t after = result.back().sample_count();
    if (after <= before) {
      context.budget.Release(before - after);
    } else {
      LL_RETURN_IF_ERROR(context.budget.Charge(after - before));
    }
    return context.budget.ChargeBytes(result.back().other_bytes());
  }));
  context.budget.Release(steps);
  if (outer != nullptr) outer->Add(0, looked_at->total());
  return result;
}

// The part of a column with timestamps in (after_ms, up_to_ms]; moves with the steps.
struct Slice {
  size_t begin = 0;
  size_t end = 0;

  void MoveTo(const std::vector<int64_t>& timestamps, int64_t after_ms, int64_t up_to_ms) {
    while (begin < timestamps.size() && timestamps[begin] <= after_ms) ++begin;
    while (end < timestamps.size() && timestamps[end] <= up_to_ms) ++end;
  }
  template <typename T>
  absl::Span<const T> Of(const std::vector<T>& column) const {
    return absl::MakeConstSpan(column).subspan(begin, end - begin);
  }
};

using Parameters = std::vector<std::vector<double>>;

// What each of the series' histograms counts as.
std::vector<uint64_t> HistogramsLookedAt(const RangeSeries& from) {
  std::vector<uint64_t> samples(from.histogram_ts_ms.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] =
        from.columns != nullptr ? LookedAtFor(*from.columns) : LookedAtFor(*from.histograms[i]);
    if (!from.histograms_counted.empty()) {
      samples[i] *= from.histograms_counted[i + 1] - from.histograms_counted[i];
    }
  }
  return samples;
}

// What the windows have, each step for itself.
void CountWindows(const Reach& reach, const RangeSeries& from, Worker& worker) {
  const Context& context = worker.context;
  const std::vector<uint64_t> of_histograms = HistogramsLookedAt(from);
  Slice floats;
  Slice histograms;
  for (size_t step = 0; step < context.steps(); ++step) {
    const int64_t end_ms = ReferenceTime(context, reach.modifier, step);
    floats.MoveTo(from.ts_ms, end_ms - reach.range_ms, end_ms);
    histograms.MoveTo(from.histogram_ts_ms, end_ms - reach.range_ms, end_ms);
    worker.looked_at->Add(step, from.counted.empty()
                                    ? floats.end - floats.begin
                                    : from.counted[floats.end] - from.counted[floats.begin]);
    const auto window = histograms.Of(of_histograms);
    worker.looked_at->Add(step, std::accumulate(window.begin(), window.end(), uint64_t{0}));
  }
}

// The function's value at each step, window by window.
absl::Status OverEachWindow(const Reach& reach, const RangeSeries& from,
                            RangeFunction::Kernel kernel, const Parameters& parameters,
                            Worker& worker, StepSeries& series) {
  const Context& context = worker.context;
  Slice floats;
  Slice histograms;
  std::vector<double> step_parameters(parameters.size());
  Window window;
  window.entity_start_ms = from.entity_start_ms;
  window.entity_end_ms = from.entity_end_ms;
  window.parameters = step_parameters;
  window.name = from.labels->Get(kMetricName);
  const Remarker remarker(worker.annotations, reach.place);
  window.remarker = &remarker;
  for (size_t step = 0; step < series.values.size(); ++step) {
    window.eval_ms = context.StepTime(step);
    window.end_ms = ReferenceTime(context, reach.modifier, step);
    window.start_ms = window.end_ms - reach.range_ms;
    floats.MoveTo(from.ts_ms, window.start_ms, window.end_ms);
    histograms.MoveTo(from.histogram_ts_ms, window.start_ms, window.end_ms);
    window.ts_ms = floats.Of(from.ts_ms);
    window.values = floats.Of(from.values);
    window.histogram_ts_ms = histograms.Of(from.histogram_ts_ms);
    window.histograms = histograms.Of(from.histograms);
    if (!from.counted.empty()) {
      window.lost = floats.Of(from.lost);
      window.stands_for = from.counted[floats.end] - from.counted[floats.begin];
    }
    if (!from.histograms_counted.empty()) {
      window.histograms_stand_for =
          from.histograms_counted[histograms.end] - from.histograms_counted[histograms.begin];
    }
    if (window.values.empty() && window.histograms.empty()) continue;
    LL_RETURN_IF_ERROR(worker.time.After(window.values.size() + window.histograms.size()));
    for (size_t i = 0; i < parameters.size(); ++i) step_parameters[i] = parameters[i][step];
    LL_RETURN_IF_ERROR(worker.Set(series, step, kernel(window)));
  }
  return absl::OkStatus();
}

// The histograms of the windows: as columns into a sum, else one by one.
absl::Status SlideColumns(const FloatWindows& windows, const RangeSeries& from,
                          HistogramSlidingKernel kernel, bool is_summed, Worker& worker,
                          StepSeries& series) {
  LL_RETURN_IF_ERROR(
      worker.Charge(series.values.size() * from.columns->width() * sizeof(double) / kSampleBytes));
  WindowColumns slid = kernel({windows, *from.columns, from.resets}, series.values.size());
  if (is_summed) {
    series.columns = std::make_shared<const WindowColumns>(std::move(slid));
    return absl::OkStatus();
  }
  for (size_t step = 0; step < series.values.size(); ++step) {
    if (slid.has[step] == 0) continue;
    LL_RETURN_IF_ERROR(worker.Set(
        series, step,
        {AbsentValue(), std::make_shared<const Histogram>(GaugeAt(slid.columns, step))}));
  }
  return absl::OkStatus();
}

absl::StatusOr<StepSeries> OverWindows(const Reach& reach, const RangeSeries& from,
                                       const RangeFunction& function, const Parameters& parameters,
                                       bool is_summed, Worker& worker) {
  const Context& context = worker.context;
  if (worker.looked_at.has_value()) CountWindows(reach, from, worker);
  LL_RETURN_IF_ERROR(worker.Charge(context.steps()));
  StepSeries series(context.steps());
  series.labels = from.labels;
  series.name_dropped = from.name_dropped;
  FloatWindows windows{.ts_ms = from.ts_ms,
                       .values = from.values,
                       .first_end_ms = ReferenceTime(context, reach.modifier, 0),
                       .step_ms = context.step_ms,
                       .range_ms = reach.range_ms,
                       .entity_start_ms = from.entity_start_ms,
                       .entity_end_ms = from.entity_end_ms,
                       .counted = from.counted,
                       .lost = from.lost,
                       .extrapolated = &worker.extrapolated};
  if (from.columns != nullptr) {
    windows.ts_ms = from.histogram_ts_ms;
    windows.counted = from.histograms_counted;
    LL_RETURN_IF_ERROR(worker.time.After(windows.ts_ms.size() + series.values.size()));
    LL_RETURN_IF_ERROR(
        SlideColumns(windows, from, function.sliding_histograms, is_summed, worker, series));
    return series;
  }
  const bool moves = reach.modifier.at == parse::TimeModifier::At::kNone;
  if (function.sliding == nullptr || !from.histograms.empty() || !moves) {
    LL_RETURN_IF_ERROR(OverEachWindow(reach, from, function.kernel, parameters, worker, series));
    return series;
  }
  LL_RETURN_IF_ERROR(worker.time.After(from.ts_ms.size() + series.values.size()));
  // What may be kept of the windows for the next series.
  LL_RETURN_IF_ERROR(worker.Charge(
      from.ts_ms.size() + series.values.size() * ExtrapolatedWindows::kBytes / kSampleBytes));
  function.sliding(windows, absl::MakeSpan(series.values));
  return series;
}

// Which rollups may stand in for the samples: those of buckets of which every step's range holds
// whole ones. Where samples are not many they are read, as long as there are any.
store::RollupHints RollupsFor(const Context& context, const Reach& reach, store::Summary summary) {
  constexpr int64_t kMinuteMs = 60'000;
  constexpr int64_t kHourMs = 60 * kMinuteMs;
  constexpr int64_t kManyMs = 6 * kHourMs;
  if (summary == store::Summary::kSamples) return {};
  const int64_t first_ms = ReferenceTime(context, reach.modifier, 0);
  const int64_t last_ms = ReferenceTime(context, reach.modifier, context.steps() - 1);
  const int64_t step_ms = first_ms == last_ms ? 0 : context.step_ms;
  const bool is_asked_for = context.max_source_resolution_ms.has_value();
  const int64_t most_ms = context.max_source_resolution_ms.value_or(kHourMs);
  for (const int64_t resolution_ms : {kHourMs, kMinuteMs}) {
    if (resolution_ms > most_ms || first_ms % resolution_ms != 0 ||
        reach.range_ms % resolution_ms != 0 || step_ms % resolution_ms != 0) {
      continue;
    }
    const bool pays = resolution_ms == kHourMs && last_ms - first_ms + reach.range_ms >= kManyMs;
    return {summary, resolution_ms, !is_asked_for && !pays};
  }
  return {};
}

ResultSeries AsResult(RangeSeries from) {
  ResultSeries series;
  series.labels = *from.labels;
  if (from.name_dropped) series.labels.Remove(kMetricName);
  series.ts_ms = std::move(from.ts_ms);
  series.values = std::move(from.values);
  series.histogram_ts_ms = std::move(from.histogram_ts_ms);
  series.histograms = std::move(from.histograms);
  return series;
}

}  // namespace

absl::Status EvaluateRange(Context& context, const parse::Expr& range_vector,
                           const RangeFunction& function, const Parameters& parameters, Emit emit) {
  const parse::Expr& inner = parse::Unwrap(range_vector);
  if (IsExtended(inner)) {
    return EvaluateExtended(context, As<parse::MatrixSelector>(inner), function, emit);
  }
  const Reach reach = ReachOf(context, inner);
  if (inner.kind == parse::ExprKind::kMatrixSelector) {
    const parse::VectorSelector& selector = *As<parse::MatrixSelector>(inner).selector;
    const plan::SelectorPlan& plan = context.plan->Of(selector);
    return SelectSeries(
        context, selector, {.back_ms = reach.range_ms},
        [&](store::SeriesBlock& block, Worker& worker) {
          LL_RETURN_IF_ERROR(worker.Charge(SampleCount(block.histograms)));
          RangeSeries from = WithoutMarkers(block, plan.columns);
          if (!from.empty()) {
            LL_ASSIGN_OR_RETURN(StepSeries series, OverWindows(reach, from, function, parameters,
                                                               plan.summed, worker));
            worker.Give(std::move(series));
          }
          // The next series is read into the same columns.
          block.ts_ms = std::move(from.ts_ms);
          block.values = std::move(from.values);
          block.histogram_ts_ms = std::move(from.histogram_ts_ms);
          return absl::OkStatus();
        },
        emit, RollupsFor(context, reach, function.summary));
  }
  LL_ASSIGN_OR_RETURN(std::vector<RangeSeries> all,
                      EvaluateSubquery(context, As<parse::Subquery>(inner), /*counted=*/false));
  Worker worker(context);
  for (RangeSeries& from : all) {
    LL_RETURN_IF_ERROR(context.CheckTime());
    LL_ASSIGN_OR_RETURN(StepSeries series, OverWindows(reach, from, function, parameters,
                                                       /*is_summed=*/false, worker));
    context.annotations.Add(std::exchange(worker.annotations, {}));
    const uint64_t samples = from.sample_count();
    const uint64_t bytes = from.other_bytes();
    from = {};
    if (series.HasAny()) LL_RETURN_IF_ERROR(emit(std::move(series)));
    LL_RETURN_IF_ERROR(worker.Finish());
    context.budget.Release(samples);
    context.budget.ReleaseBytes(bytes);
  }
  if (worker.looked_at.has_value()) context.looked_at->Add(*worker.looked_at);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ResultSeries>> SelectRaw(Context& context,
                                                    const parse::Expr& range_vector) {
  const parse::Expr& inner = parse::Unwrap(range_vector);
  std::vector<ResultSeries> result;
  if (inner.kind == parse::ExprKind::kSubquery) {
    LL_ASSIGN_OR_RETURN(std::vector<RangeSeries> all,
                        EvaluateSubquery(context, As<parse::Subquery>(inner), /*counted=*/true));
    for (RangeSeries& from : all) result.push_back(AsResult(std::move(from)));
    return result;
  }
  const auto& matrix = As<parse::MatrixSelector>(inner);
  LL_RETURN_IF_ERROR(SelectBlocks(
      context, *matrix.selector, {.back_ms = matrix.range_ms}, [&](store::SeriesBlock block) {
        LL_RETURN_IF_ERROR(
            context.budget.Charge(block.sample_count() + SampleCount(block.histograms)));
        RangeSeries from = WithoutMarkers(block, /*as_columns=*/false);
        if (from.empty()) return absl::OkStatus();
        if (context.looked_at != nullptr) {
          const std::vector<uint64_t> histograms = HistogramsLookedAt(from);
          context.looked_at->Add(0, std::accumulate(histograms.begin(), histograms.end(),
                                                    uint64_t{from.ts_ms.size()}));
        }
        LL_RETURN_IF_ERROR(context.budget.ChargeBytes(from.other_bytes()));
        result.push_back(AsResult(std::move(from)));
        return absl::OkStatus();
      }));
  return result;
}

}  // namespace leadline::collector::promql::exec
