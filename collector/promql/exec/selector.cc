#include "collector/promql/exec/selector.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "collector/promql/exec/classic_series.h"
#include "collector/promql/exec/extended.h"
#include "collector/promql/exec/in_order.h"
#include "collector/promql/exec/matchers.h"
#include "collector/promql/exec/place.h"
#include "collector/promql/plan/plan.h"
#include "collector/promql/value/remarks.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using store::SeriesBlock;

void DropStrangeHistograms(SeriesBlock& block, const Remarker& remarker) {
  DropHistograms(block, [&](const model::NativeHistogram& histogram) {
    const bool is_strange = !IsKnownSchema(histogram.schema);
    if (is_strange) {
      remarker.Warn(remarks::StrangeSchema(block.labels->Get(kMetricName), histogram.schema));
    }
    return is_strange;
  });
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
  LL_RETURN_IF_ERROR(context.queryable.UseSeries(context.tenant, filter, [&](const auto& real) {
    if (!real.empty()) classic.reset();
    return absl::OkStatus();
  }));
  return classic;
}

// Series that were found, and what to make of them where they are not themselves meant.
struct Found {
  std::unique_ptr<store::Selection> selection;
  std::optional<ClassicSelector> classic;
  size_t at_once = 1;              // series a read
  std::optional<BytesShare> held;  // what the selection takes
  Trace::Node* trace = nullptr;    // nullptr: nobody wants to know
  std::string place;               // of the selector
};

// As many that reading them is not mostly beginning to read, and that their samples stay few; fewer
// where columns of histograms may come of them, which have some tens of cells a sample.
size_t SeriesAtOnce(const Context& context, const store::SelectHints& hints) {
  constexpr int64_t kUsualIntervalMs = 15'000;
  constexpr int64_t kSamplesAtOnce = 1 << 16;
  constexpr int64_t kHistogramsAtOnce = kSamplesAtOnce / 8;
  const auto steps = static_cast<int64_t>(context.steps());
  const int64_t samples = std::max((hints.end_ms - hints.start_ms) / kUsualIntervalMs + 1, steps);
  return static_cast<size_t>(hints.columns
                                 ? std::clamp<int64_t>(kHistogramsAtOnce / samples, 32, 64)
                                 : std::clamp<int64_t>(kSamplesAtOnce / samples, 64, 256));
}

// Of few series less at a time, so that threads end together.
size_t AtOnce(size_t most, size_t series) {
  constexpr size_t kParts = 16;
  constexpr size_t kBlock = 64;  // series that a store may keep together
  return std::min(most, (series / kParts + kBlock) / kBlock * kBlock);
}

absl::Status FindSeries(Context& context, const parse::VectorSelector& selector, Sight sight,
                        const store::RollupHints& rollups, Found& found) {
  const plan::SelectorPlan& plan = context.plan->Of(selector);
  store::SelectHints hints;
  hints.start_ms = ReferenceTime(context, selector.modifier, 0) - sight.back_ms + 1;
  hints.end_ms = ReferenceTime(context, selector.modifier, context.steps() - 1) + sight.ahead_ms;
  hints.step_ms = context.step_ms;
  hints.range_ms = sight.back_ms;
  hints.function = plan.function;
  hints.rollups = rollups;
  hints.shown = plan.shown;
  hints.sorted = plan.sorted;
  hints.presence = plan.presence;
  hints.columns = plan.columns;
  hints.named_labels = context.plan->named_labels();
  hints.max_samples = context.budget.remaining_samples();
  hints.deadline = context.deadline;
  hints.cancelled = context.cancelled;
  hints.memory = &context.budget;
  found.at_once = SeriesAtOnce(context, hints);
  found.place = PlaceOf(context, selector);
  if (context.trace != nullptr) {
    found.trace = &context.trace->Of(selector);
    found.trace->start_ms = hints.start_ms;
    found.trace->end_ms = hints.end_ms;
  }
  const TimeInto finding(found.trace == nullptr ? nullptr : &found.trace->find_ns);
  LL_ASSIGN_OR_RETURN(
      found.selection,
      context.queryable.Find(context.tenant, StoreMatchers(selector.matchers), hints));
  for (std::string& gap : context.queryable.Gaps(hints.start_ms, hints.end_ms)) {
    context.annotations.warnings.insert(std::move(gap));
  }
  if (found.selection->size() == 0) {
    LL_ASSIGN_OR_RETURN(found.classic, ClassicInstead(context, selector, hints));
    if (!found.classic.has_value()) return absl::OkStatus();
    hints.rollups = {};
    hints.columns = false;  // classic series are made of histograms
    LL_ASSIGN_OR_RETURN(
        found.selection,
        context.queryable.Find(context.tenant, StoreMatchers(found.classic->matchers), hints));
  }
  found.at_once = AtOnce(found.at_once, found.selection->size());
  found.held.emplace(context.budget, found.selection->held_bytes());
  return found.held->status();
}

// What the block counts as in the budget.
uint64_t CountOf(const SeriesBlock& block) {
  uint64_t samples = block.sample_count();
  if (block.columns != nullptr) samples += SampleCount(*block.columns);
  return samples + SampleCount(block.histograms);
}

using UseBlock = absl::FunctionRef<absl::Status(SeriesBlock& block)>;

// The classic series of the block, or itself.
absl::Status UseAsMeant(const Context& context, const Found& found, SeriesBlock& block,
                        const Remarker& remarker, UseBlock use) {
  if (!block.histograms.empty()) DropStrangeHistograms(block, remarker);
  if (!found.classic.has_value()) return use(block);
  if (block.histograms.empty()) return absl::OkStatus();
  remarker.Inform(remarks::ClassicFromNative(found.classic->name, found.classic->histogram));
  const BudgetShare expanded_share(context.budget,
                                   block.histograms.size() * found.classic->series());
  LL_RETURN_IF_ERROR(expanded_share.status());
  return found.classic->Expand(block, [&](SeriesBlock expanded) { return use(expanded); });
}

// Reads part `number` of the series and hands those with samples to `use`.
absl::Status UsePart(const Context& context, const Found& found, size_t number,
                     Annotations& annotations, UseBlock use) {
  const Remarker remarker(annotations, found.place);
  LL_RETURN_IF_ERROR(context.CheckTime());
  const size_t first = number * found.at_once;
  const size_t count = std::min(found.at_once, found.selection->size() - first);
  auto* const read_ns = found.trace == nullptr ? nullptr : &found.trace->read_ns;
  auto* const make_ns = found.trace == nullptr ? nullptr : &found.trace->make_ns;
  const TimeInto reading(read_ns);
  return found.selection->Read(first, count, [&](SeriesBlock& block) {
    const TimeInto making(make_ns, /*from=*/read_ns);
    const BudgetShare read(context.budget, CountOf(block));
    LL_RETURN_IF_ERROR(read.status());
    return UseAsMeant(context, found, block, remarker, use);
  });
}

// A selector may be read more than once.
void NoteCounts(const Found& found, Annotations& annotations) {
  const store::ReadCounts counts = found.selection->counts();
  const Remarker remarker(annotations, found.place);
  if (counts.minutes > 0) remarker.Inform(remarks::RolledUp("a minute"));
  if (counts.hours > 0) remarker.Inform(remarks::RolledUp("an hour"));
  if (counts.inexact > 0) remarker.Warn(remarks::InexactRollups());
  if (found.trace == nullptr) return;
  store::ReadCounts& all = found.trace->read;
  all.candidates += counts.candidates;
  all.series += counts.series;
  all.chunks += counts.chunks;
  all.bytes += counts.bytes;
  all.samples += counts.samples;
  all.minutes += counts.minutes;
  all.hours += counts.hours;
  all.inexact += counts.inexact;
}

size_t PartCount(const Found& found) {
  return (found.selection->size() + found.at_once - 1) / found.at_once;
}

// Moves `next` past the timestamps up to `ts_ms`.
void Advance(const std::vector<int64_t>& timestamps, int64_t ts_ms, size_t& next) {
  while (next < timestamps.size() && timestamps[next] <= ts_ms) ++next;
}

// The values of a series that has no histograms. A staleness marker is what absence looks like.
void FloatValues(const Context& context, const parse::TimeModifier& modifier,
                 const SeriesBlock& block, absl::Span<double> values) {
  const bool moves = modifier.at == parse::TimeModifier::At::kNone;
  const int64_t step_ms = moves ? context.step_ms : 0;
  int64_t ts_ms = ReferenceTime(context, modifier, 0);
  size_t next = 0;
  for (double& value : values) {
    Advance(block.ts_ms, ts_ms, next);
    if (next > 0 && block.ts_ms[next - 1] > ts_ms - context.lookback_ms) {
      value = block.values[next - 1];
    }
    ts_ms += step_ms;
  }
}

absl::StatusOr<StepSeries> InstantValues(Worker& worker, const parse::TimeModifier& modifier,
                                         const SeriesBlock& block, What what) {
  const Context& context = worker.context;
  LL_RETURN_IF_ERROR(worker.Charge(context.steps()));
  StepSeries series(context.steps());
  series.labels = block.labels;
  if (what == What::kValues && block.histograms.empty()) {
    FloatValues(context, modifier, block, absl::MakeSpan(series.values));
    return series;
  }
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
      series.values[step] = block.values[next_float - 1];
    } else if (!IsStale(block.histograms[next_histogram - 1])) {
      if (made != next_histogram) {
        histogram = std::make_shared<const Histogram>(
            Histogram::From(block.histograms[next_histogram - 1]));
        made = next_histogram;
      }
      LL_RETURN_IF_ERROR(worker.Set(series, step, {AbsentValue(), histogram}));
    }
  }
  return series;
}

}  // namespace

uint64_t SampleCount(const std::vector<model::NativeHistogram>& histograms) {
  uint64_t samples = 0;
  for (const model::NativeHistogram& histogram : histograms) {
    samples += sizeof(model::NativeHistogram) / kSampleBytes + histogram.positive.size() +
               histogram.negative.size();
  }
  return samples;
}

absl::Status Worker::ChargeWanted() {
  LL_RETURN_IF_ERROR(context.budget.Charge(wanted_ - charged_));
  charged_ = wanted_;
  return absl::OkStatus();
}

absl::Status Worker::Finish() {
  extrapolated = {};
  wanted_ = given_;
  if (wanted_ > charged_) return ChargeWanted();
  context.budget.Release(charged_ - wanted_);
  charged_ = wanted_;
  return absl::OkStatus();
}

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

absl::Status SelectSeries(Context& context, const parse::VectorSelector& selector, Sight sight,
                          MapBlock map, Emit emit, const store::RollupHints& rollups) {
  Found found;
  LL_RETURN_IF_ERROR(FindSeries(context, selector, sight, rollups, found));
  const auto make = [&](size_t number) -> absl::StatusOr<Worker> {
    Worker worker(context);
    LL_RETURN_IF_ERROR(UsePart(context, found, number, worker.annotations,
                               [&](SeriesBlock& block) { return map(block, worker); }));
    LL_RETURN_IF_ERROR(worker.Finish());
    return worker;
  };
  const absl::Status status = InOrder<Worker>::Run(
      context.workers, context.helpers, PartCount(found), make, [&](Worker worker) {
        context.annotations.Add(std::move(worker.annotations));
        if (worker.looked_at.has_value()) context.looked_at->Add(*worker.looked_at);
        for (StepSeries& series : worker.series) {
          const uint64_t samples = series.sample_count();
          LL_RETURN_IF_ERROR(emit(std::move(series)));
          context.budget.Release(samples);
        }
        return absl::OkStatus();
      });
  NoteCounts(found, context.annotations);
  return status;
}

absl::Status SelectBlocks(Context& context, const parse::VectorSelector& selector, Sight sight,
                          absl::FunctionRef<absl::Status(store::SeriesBlock)> use) {
  Found found;
  LL_RETURN_IF_ERROR(FindSeries(context, selector, sight, {}, found));
  for (size_t number = 0; number < PartCount(found); ++number) {
    LL_RETURN_IF_ERROR(UsePart(context, found, number, context.annotations,
                               [&](SeriesBlock& block) { return use(std::move(block)); }));
  }
  NoteCounts(found, context.annotations);
  return absl::OkStatus();
}

absl::Status SelectInstant(Context& context, const parse::VectorSelector& selector, What what,
                           Emit emit) {
  if (selector.edges == parse::Edges::kSmoothed && what == What::kValues) {
    return SelectSmoothed(context, selector, emit);
  }
  return SelectSeries(
      context, selector, {.back_ms = context.lookback_ms},
      [&](const SeriesBlock& block, Worker& worker) {
        LL_ASSIGN_OR_RETURN(StepSeries series,
                            InstantValues(worker, selector.modifier, block, what));
        if (worker.looked_at.has_value()) worker.looked_at->Add(series);
        worker.Give(std::move(series));
        return absl::OkStatus();
      },
      emit);
}

}  // namespace leadline::collector::promql::exec
