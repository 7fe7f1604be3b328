#include "collector/promql/exec/selector.h"

#include <algorithm>

#include <fmt/format.h>

#include "collector/promql/exec/matchers.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using parse::TimeModifier;
using store::SeriesBlock;

// What time the selector looks at for a step: shifted by "offset", fixed by "@".
int64_t ReferenceTime(const Context& context, const TimeModifier& modifier, size_t step) {
  int64_t ts_ms = context.StepTime(step);
  switch (modifier.at) {
    case TimeModifier::At::kNone:
      break;
    case TimeModifier::At::kTime:
      ts_ms = modifier.at_ms;
      break;
    case TimeModifier::At::kStart:
      ts_ms = context.start_ms;
      break;
    case TimeModifier::At::kEnd:
      ts_ms = context.end_ms;
      break;
  }
  return ts_ms - modifier.offset_ms.value_or(0);
}

void DropStrangeHistograms(SeriesBlock& block, Context& context) {
  const auto is_strange = [](const model::NativeHistogram& histogram) {
    return histogram.schema < kMinSchema || histogram.schema > kMaxSchema;
  };
  size_t kept = 0;
  for (size_t i = 0; i < block.histograms.size(); ++i) {
    if (is_strange(block.histograms[i])) {
      context.annotations.warnings.insert(
          fmt::format("PromQL warning: histograms of schema {} are left out: \"{}\"",
                      block.histograms[i].schema, block.labels->Get("__name__")));
      continue;
    }
    if (kept != i) {
      block.histograms[kept] = std::move(block.histograms[i]);
      block.histogram_ts_ms[kept] = block.histogram_ts_ms[i];
    }
    ++kept;
  }
  block.histograms.resize(kept);
  block.histogram_ts_ms.resize(kept);
}

// Removes staleness markers, with their timestamps.
template <typename Value, typename IsStaleFn>
void DropStale(std::vector<int64_t>& ts_ms, std::vector<Value>& values, IsStaleFn is_stale) {
  size_t kept = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (is_stale(values[i])) continue;
    if (kept != i) {
      values[kept] = std::move(values[i]);
      ts_ms[kept] = ts_ms[i];
    }
    ++kept;
  }
  values.resize(kept);
  ts_ms.resize(kept);
}

void DropStale(SeriesBlock& block) {
  DropStale(block.ts_ms, block.values, model::IsStaleNan);
  DropStale(block.histogram_ts_ms, block.histograms, IsStale);
}

uint64_t SampleCount(const SeriesBlock& block) {
  return block.ts_ms.size() + block.histogram_ts_ms.size();
}

// Hands each selected series to `use`; `range_ms` is how far back from a step samples count.
absl::Status ForEachBlock(Context& context, const parse::VectorSelector& selector, int64_t range_ms,
                          std::string_view parent,
                          absl::FunctionRef<absl::Status(SeriesBlock)> use) {
  store::SelectHints hints;
  hints.start_ms = ReferenceTime(context, selector.modifier, 0) - range_ms + 1;
  hints.end_ms = ReferenceTime(context, selector.modifier, context.steps() - 1);
  hints.step_ms = context.step_ms;
  hints.function = std::string(parent);
  hints.named_labels = context.named_labels;
  hints.max_samples = context.budget.remaining();
  hints.deadline = context.deadline;
  LL_ASSIGN_OR_RETURN(
      std::vector<SeriesBlock> blocks,
      context.queryable.Select(context.tenant, StoreMatchers(selector.matchers), hints));
  uint64_t total = 0;
  for (const SeriesBlock& block : blocks) total += SampleCount(block);
  LL_RETURN_IF_ERROR(context.budget.Charge(total));
  for (SeriesBlock& block : blocks) {
    LL_RETURN_IF_ERROR(context.CheckDeadline());
    const uint64_t samples = SampleCount(block);
    if (!block.histograms.empty()) DropStrangeHistograms(block, context);
    LL_RETURN_IF_ERROR(use(std::move(block)));
    context.budget.Release(samples);
  }
  return absl::OkStatus();
}

// Moves `next` past the timestamps up to `ts_ms`.
void Advance(const std::vector<int64_t>& timestamps, int64_t ts_ms, size_t& next) {
  while (next < timestamps.size() && timestamps[next] <= ts_ms) ++next;
}

StepSeries InstantValues(const Context& context, const TimeModifier& modifier,
                         const SeriesBlock& block) {
  StepSeries series(context.steps());
  series.labels = block.labels;
  size_t next_float = 0;
  size_t next_histogram = 0;
  std::shared_ptr<const Histogram> histogram;  // of next_histogram - 1, made when first wanted
  size_t made = 0;
  for (size_t step = 0; step < series.values.size(); ++step) {
    const int64_t ts_ms = ReferenceTime(context, modifier, step);
    const int64_t oldest_ms = ts_ms - context.lookback_ms;
    Advance(block.ts_ms, ts_ms, next_float);
    Advance(block.histogram_ts_ms, ts_ms, next_histogram);
    const int64_t float_ms = next_float > 0 ? block.ts_ms[next_float - 1] : oldest_ms;
    const int64_t histogram_ms =
        next_histogram > 0 ? block.histogram_ts_ms[next_histogram - 1] : oldest_ms;
    if (std::max(float_ms, histogram_ms) <= oldest_ms) continue;
    if (float_ms >= histogram_ms) {
      series.values[step] = block.values[next_float - 1];  // a marker is what absence looks like
    } else if (!IsStale(block.histograms[next_histogram - 1])) {
      if (made != next_histogram) {
        histogram = std::make_shared<const Histogram>(
            Histogram::From(block.histograms[next_histogram - 1]));
        made = next_histogram;
      }
      series.SetHistogram(step, histogram);
    }
  }
  return series;
}

// The part of a column with timestamps in (after_ms, up_to_ms]; moves with the steps.
struct Slice {
  size_t begin = 0;
  size_t end = 0;

  void MoveTo(const std::vector<int64_t>& timestamps, int64_t after_ms, int64_t up_to_ms) {
    Advance(timestamps, after_ms, begin);
    Advance(timestamps, up_to_ms, end);
  }
  template <typename T>
  absl::Span<const T> Of(const std::vector<T>& column) const {
    return absl::MakeConstSpan(column).subspan(begin, end - begin);
  }
};

StepSeries RangeValues(const Context& context, const parse::MatrixSelector& selector,
                       RangeKernel kernel, const SeriesBlock& block) {
  StepSeries series(context.steps());
  series.labels = block.labels;
  Slice floats;
  Slice histograms;
  Window window;
  window.entity_start_ms = block.entity_start_ms;
  window.entity_end_ms = block.entity_end_ms;
  for (size_t step = 0; step < series.values.size(); ++step) {
    window.end_ms = ReferenceTime(context, selector.selector->modifier, step);
    window.start_ms = window.end_ms - selector.range_ms;
    floats.MoveTo(block.ts_ms, window.start_ms, window.end_ms);
    histograms.MoveTo(block.histogram_ts_ms, window.start_ms, window.end_ms);
    window.ts_ms = floats.Of(block.ts_ms);
    window.values = floats.Of(block.values);
    window.histogram_ts_ms = histograms.Of(block.histogram_ts_ms);
    window.histograms = histograms.Of(block.histograms);
    if (window.values.empty() && window.histograms.empty()) continue;
    series.Set(step, kernel(window));
  }
  return series;
}

}  // namespace

absl::Status SelectInstant(Context& context, const parse::VectorSelector& selector,
                           std::string_view parent, Emit emit) {
  return ForEachBlock(context, selector, context.lookback_ms, parent,
                      [&](const SeriesBlock& block) {
                        StepSeries series = InstantValues(context, selector.modifier, block);
                        return series.HasAny() ? emit(std::move(series)) : absl::OkStatus();
                      });
}

absl::Status SelectRange(Context& context, const parse::MatrixSelector& selector,
                         const Function& function, RangeKernel kernel, Emit emit) {
  return ForEachBlock(context, *selector.selector, selector.range_ms, function.name,
                      [&](SeriesBlock block) {
                        DropStale(block);
                        StepSeries series = RangeValues(context, selector, kernel, block);
                        return series.HasAny() ? emit(std::move(series)) : absl::OkStatus();
                      });
}

absl::StatusOr<std::vector<ResultSeries>> SelectRaw(Context& context,
                                                    const parse::MatrixSelector& selector) {
  std::vector<ResultSeries> result;
  LL_RETURN_IF_ERROR(
      ForEachBlock(context, *selector.selector, selector.range_ms, "", [&](SeriesBlock block) {
        DropStale(block);
        if (SampleCount(block) == 0) return absl::OkStatus();
        ResultSeries series;
        series.labels = *block.labels;
        series.ts_ms = std::move(block.ts_ms);
        series.values = std::move(block.values);
        series.histogram_ts_ms = std::move(block.histogram_ts_ms);
        for (const model::NativeHistogram& histogram : block.histograms) {
          series.histograms.push_back(
              std::make_shared<const Histogram>(Histogram::From(histogram)));
        }
        result.push_back(std::move(series));
        return absl::OkStatus();
      }));
  return result;
}

}  // namespace leadline::collector::promql::exec
