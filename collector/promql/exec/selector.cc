#include "collector/promql/exec/selector.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "collector/promql/exec/classic_series.h"
#include "collector/promql/exec/extended.h"
#include "collector/promql/exec/matchers.h"
#include "collector/promql/value/remarks.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using store::SeriesBlock;

void DropStrangeHistograms(SeriesBlock& block, Context& context) {
  const auto is_strange = [](const model::NativeHistogram& histogram) {
    return !IsKnownSchema(histogram.schema);
  };
  size_t kept = 0;
  for (size_t i = 0; i < block.histograms.size(); ++i) {
    if (is_strange(block.histograms[i])) {
      context.annotations.warnings.insert(
          remarks::StrangeSchema(block.labels->Get(kMetricName), block.histograms[i].schema));
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

uint64_t SampleCount(const SeriesBlock& block) {
  return block.ts_ms.size() + block.histogram_ts_ms.size();
}

absl::Status UseBlocks(Context& context, std::vector<SeriesBlock> blocks,
                       absl::FunctionRef<absl::Status(SeriesBlock)> use) {
  uint64_t total = 0;
  for (const SeriesBlock& block : blocks) total += SampleCount(block);
  LL_RETURN_IF_ERROR(context.budget.Charge(total));
  for (SeriesBlock& block : blocks) {
    LL_RETURN_IF_ERROR(context.CheckTime());
    const uint64_t samples = SampleCount(block);
    if (!block.histograms.empty()) DropStrangeHistograms(block, context);
    LL_RETURN_IF_ERROR(use(std::move(block)));
    context.budget.Release(samples);
  }
  return absl::OkStatus();
}

// The classic series that a selector means which selects nothing: none where there are real series
// of that name.
absl::StatusOr<std::optional<ClassicSelector>> ClassicInstead(const Context& context,
                                                              const parse::VectorSelector& selector,
                                                              const store::SelectHints& hints) {
  std::optional<ClassicSelector> classic = ClassicSelector::From(selector.matchers);
  if (!classic.has_value() || classic->series() == 0) return std::nullopt;
  store::SeriesFilter filter;
  filter.selectors = {{{store::Matcher::Op::kEqual, std::string(kMetricName), classic->name}}};
  filter.start_ms = hints.start_ms;
  filter.end_ms = hints.end_ms;
  filter.limit = 1;
  LL_ASSIGN_OR_RETURN(const std::vector<LabelSet> real,
                      context.queryable.Series(context.tenant, filter));
  if (!real.empty()) return std::nullopt;
  return classic;
}

absl::Status SelectClassic(Context& context, const ClassicSelector& classic,
                           const store::SelectHints& hints,
                           absl::FunctionRef<absl::Status(SeriesBlock)> use) {
  LL_ASSIGN_OR_RETURN(
      std::vector<SeriesBlock> blocks,
      context.queryable.Select(context.tenant, StoreMatchers(classic.matchers), hints));
  return UseBlocks(context, std::move(blocks), [&](const SeriesBlock& block) {
    if (block.histograms.empty()) return absl::OkStatus();
    context.annotations.infos.insert(remarks::ClassicFromNative(classic.name, classic.histogram));
    const uint64_t samples = block.histograms.size() * classic.series();
    LL_RETURN_IF_ERROR(context.budget.Charge(samples));
    LL_RETURN_IF_ERROR(classic.Expand(block, use));
    context.budget.Release(samples);
    return absl::OkStatus();
  });
}

// Moves `next` past the timestamps up to `ts_ms`.
void Advance(const std::vector<int64_t>& timestamps, int64_t ts_ms, size_t& next) {
  while (next < timestamps.size() && timestamps[next] <= ts_ms) ++next;
}

StepSeries InstantValues(const Context& context, const parse::TimeModifier& modifier,
                         const SeriesBlock& block, What what) {
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
    const bool is_float = float_ms >= histogram_ms;
    if (what == What::kTimestamps) {
      const bool stale = is_float ? model::IsStaleNan(block.values[next_float - 1])
                                  : IsStale(block.histograms[next_histogram - 1]);
      const int64_t sample_ms = std::max(float_ms, histogram_ms);
      if (!stale) series.values[step] = static_cast<double>(sample_ms) / 1000;
    } else if (is_float) {
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

}  // namespace

int64_t ReferenceTime(const Context& context, const parse::TimeModifier& modifier, size_t step) {
  int64_t ts_ms = context.StepTime(step);
  switch (modifier.at) {
    case parse::TimeModifier::At::kNone:
      break;
    case parse::TimeModifier::At::kTime:
      ts_ms = modifier.at_ms;
      break;
    case parse::TimeModifier::At::kStart:
      ts_ms = context.query_start_ms;
      break;
    case parse::TimeModifier::At::kEnd:
      ts_ms = context.query_end_ms;
      break;
  }
  return ts_ms - modifier.offset_ms.value_or(0);
}

absl::Status SelectBlocks(Context& context, const parse::VectorSelector& selector, int64_t range_ms,
                          std::string_view parent, absl::FunctionRef<absl::Status(SeriesBlock)> use,
                          int64_t ahead_ms) {
  store::SelectHints hints;
  hints.start_ms = ReferenceTime(context, selector.modifier, 0) - range_ms + 1;
  hints.end_ms = ReferenceTime(context, selector.modifier, context.steps() - 1) + ahead_ms;
  hints.step_ms = context.step_ms;
  hints.function = std::string(parent);
  hints.named_labels = context.named_labels;
  hints.max_samples = context.budget.remaining();
  hints.deadline = context.deadline;
  LL_ASSIGN_OR_RETURN(
      std::vector<SeriesBlock> blocks,
      context.queryable.Select(context.tenant, StoreMatchers(selector.matchers), hints));
  if (blocks.empty()) {
    LL_ASSIGN_OR_RETURN(const auto classic, ClassicInstead(context, selector, hints));
    if (classic.has_value()) return SelectClassic(context, *classic, hints, use);
  }
  return UseBlocks(context, std::move(blocks), use);
}

absl::Status SelectInstant(Context& context, const parse::VectorSelector& selector,
                           std::string_view parent, What what, Emit emit) {
  if (selector.edges == parse::Edges::kSmoothed && what == What::kValues) {
    return SelectSmoothed(context, selector, parent, emit);
  }
  return SelectBlocks(context, selector, context.lookback_ms, parent,
                      [&](const SeriesBlock& block) {
                        StepSeries series = InstantValues(context, selector.modifier, block, what);
                        return series.HasAny() ? emit(std::move(series)) : absl::OkStatus();
                      });
}

}  // namespace leadline::collector::promql::exec
