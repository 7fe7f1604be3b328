#include "collector/promql/exec/extended.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "collector/promql/exec/place.h"
#include "collector/promql/exec/selector.h"
#include "collector/promql/functions/window.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

using HistogramPtr = std::shared_ptr<const Histogram>;

double Between(double left, double right, double fraction, bool is_counter) {
  if (is_counter && right < left) return right * fraction;
  return left + (right - left) * fraction;
}

HistogramPtr Between(const HistogramPtr& left, const HistogramPtr& right, double fraction,
                     bool is_counter) {
  auto between = std::make_shared<Histogram>(*right);
  between->Scale(fraction);
  if (!is_counter || !WasReset(*left, *right)) between->Add(*left, 1 - fraction);
  between->reset_hint = right->is_gauge() ? right->reset_hint : model::ResetHint::kUnknown;
  return between;
}

// Samples of one type, in time order, without markers.
template <typename Value>
struct Column {
  std::vector<int64_t> ts_ms;
  std::vector<Value> values;

  // The value on the line between the sample at `left` and the next one.
  Value ValueAt(size_t left, int64_t at_ms, bool is_counter) const {
    if (ts_ms[left] == at_ms || left + 1 == ts_ms.size()) return values[left];
    const double fraction = static_cast<double>(at_ms - ts_ms[left]) /
                            static_cast<double>(ts_ms[left + 1] - ts_ms[left]);
    return Between(values[left], values[left + 1], fraction, is_counter);
  }
};

struct RangeEnds {
  int64_t start_ms;
  int64_t end_ms;
  int64_t lookback_ms;
};

// The samples that the range has with its ends, in columns that are used again.
template <typename Value>
void Anchor(const Column<Value>& all, const RangeEnds& reach, Column<Value>& window) {
  window.ts_ms.clear();
  window.values.clear();
  const auto first = std::upper_bound(all.ts_ms.begin(), all.ts_ms.end(), reach.start_ms);
  const auto end = std::upper_bound(first, all.ts_ms.end(), reach.end_ms);
  if (first == end) return;
  const auto begin = static_cast<size_t>(first - all.ts_ms.begin());
  if (begin > 0 && all.ts_ms[begin - 1] > reach.start_ms - reach.lookback_ms) {
    window.ts_ms.push_back(reach.start_ms);
    window.values.push_back(all.values[begin - 1]);
  }
  window.ts_ms.insert(window.ts_ms.end(), first, end);
  window.values.insert(window.values.end(), all.values.begin() + (first - all.ts_ms.begin()),
                       all.values.begin() + (end - all.ts_ms.begin()));
}

template <typename Value>
void Smooth(const Column<Value>& all, const RangeEnds& reach, bool is_counter,
            Column<Value>& window) {
  window.ts_ms.clear();
  window.values.clear();
  const auto index_after = [&all](int64_t ts_ms) {
    return static_cast<size_t>(std::upper_bound(all.ts_ms.begin(), all.ts_ms.end(), ts_ms) -
                               all.ts_ms.begin());
  };
  const size_t first = index_after(reach.start_ms);
  const size_t end = index_after(reach.end_ms);
  const bool has_left = first > 0 && all.ts_ms[first - 1] > reach.start_ms - reach.lookback_ms;
  const bool has_right =
      end < all.ts_ms.size() && all.ts_ms[end] <= reach.end_ms + reach.lookback_ms;
  if (first == end && !(has_left && has_right)) return;
  const auto add = [&window](int64_t ts_ms, Value value) {
    window.ts_ms.push_back(ts_ms);
    window.values.push_back(std::move(value));
  };
  if (has_left) add(reach.start_ms, all.ValueAt(first - 1, reach.start_ms, is_counter));
  for (size_t i = first; i < end; ++i) {
    if (all.ts_ms[i] < reach.end_ms) add(all.ts_ms[i], all.values[i]);
  }
  if (has_right || (end > first && all.ts_ms[end - 1] == reach.end_ms)) {
    add(reach.end_ms, all.ValueAt(end - 1, reach.end_ms, is_counter));
  }
}

struct Columns {
  Column<double> floats;
  Column<HistogramPtr> histograms;
};

Columns WithoutStaleMarkers(const store::SeriesBlock& block) {
  Columns columns;
  for (size_t i = 0; i < block.values.size(); ++i) {
    if (model::IsStaleNan(block.values[i])) continue;
    columns.floats.ts_ms.push_back(block.ts_ms[i]);
    columns.floats.values.push_back(block.values[i]);
  }
  for (size_t i = 0; i < block.histograms.size(); ++i) {
    if (IsStale(block.histograms[i])) continue;
    columns.histograms.ts_ms.push_back(block.histogram_ts_ms[i]);
    columns.histograms.values.push_back(
        std::make_shared<const Histogram>(Histogram::From(block.histograms[i])));
  }
  return columns;
}

// How far beyond a range is looked for a sample behind it.
int64_t Beyond(const Context& context, parse::Edges edges) {
  return edges == parse::Edges::kSmoothed ? context.lookback_ms : 0;
}

// The samples around a time, which moves forward.
class SmoothedAt {
 public:
  SmoothedAt(const std::vector<int64_t>& ts_ms, int64_t lookback_ms)
      : ts_ms_(ts_ms), lookback_ms_(lookback_ms) {}

  // Index of the sample before or at the time; nullopt where there is none.
  std::optional<size_t> LeftOf(int64_t at_ms) {
    while (next_ < ts_ms_.size() && ts_ms_[next_] <= at_ms) ++next_;
    if (next_ == 0 || ts_ms_[next_ - 1] <= at_ms - lookback_ms_) return std::nullopt;
    return next_ - 1;
  }
  bool HasRightOf(int64_t at_ms) const {
    return next_ < ts_ms_.size() && ts_ms_[next_] <= at_ms + lookback_ms_;
  }
  double FractionAt(int64_t at_ms) const {
    return static_cast<double>(at_ms - ts_ms_[next_ - 1]) /
           static_cast<double>(ts_ms_[next_] - ts_ms_[next_ - 1]);
  }

 private:
  const std::vector<int64_t>& ts_ms_;
  const int64_t lookback_ms_;
  size_t next_ = 0;
};

// What "anchored" and "smoothed" are for.
constexpr std::string_view kOfAnchored[] = {"changes", "delta", "increase", "rate", "resets"};
constexpr std::string_view kOfSmoothed[] = {"delta", "increase", "rate"};

}  // namespace

bool IsExtended(const parse::Expr& range_vector) {
  const parse::Expr& inner = parse::Unwrap(range_vector);
  return inner.kind == parse::ExprKind::kMatrixSelector &&
         parse::As<parse::MatrixSelector>(inner).selector->edges != parse::Edges::kPlain;
}

absl::Status CheckExtended(const parse::Call& call) {
  for (const parse::ExprPtr& argument : call.arguments) {
    if (!IsExtended(*argument)) continue;
    const parse::Expr& range = parse::Unwrap(*argument);
    const bool anchored =
        parse::As<parse::MatrixSelector>(range).selector->edges == parse::Edges::kAnchored;
    const auto allowed = anchored ? absl::MakeConstSpan(kOfAnchored) : kOfSmoothed;
    const std::string_view name = call.function.name;
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
    return absl::FailedPreconditionError(
        fmt::format("{} modifier can only be used with: {} - not with {}",
                    anchored ? "anchored" : "smoothed", fmt::join(allowed, ", "), name));
  }
  return absl::OkStatus();
}

absl::Status EvaluateExtended(Context& context, const parse::MatrixSelector& matrix,
                              const RangeFunction& function, Emit emit) {
  const parse::VectorSelector& selector = *matrix.selector;
  const std::string place = PlaceOf(context, matrix);
  const bool is_counter = function.of_counters;
  const auto map = [&](const store::SeriesBlock& block, Worker& worker) -> absl::Status {
    LL_RETURN_IF_ERROR(worker.Charge(block.sample_count() + SampleCount(block.histograms)));
    const Columns all = WithoutStaleMarkers(block);
    LL_RETURN_IF_ERROR(worker.Charge(context.steps()));
    StepSeries series(context.steps());
    series.labels = block.labels;
    Columns own;
    Window window;
    window.exact = true;
    window.name = block.labels->Get(kMetricName);
    const Remarker remarker(worker.annotations, place);
    window.remarker = &remarker;
    for (size_t step = 0; step < series.values.size(); ++step) {
      window.eval_ms = context.StepTime(step);
      window.end_ms = ReferenceTime(context, selector.modifier, step);
      window.start_ms = window.end_ms - matrix.range_ms;
      const RangeEnds reach{window.start_ms, window.end_ms, context.lookback_ms};
      if (selector.edges == parse::Edges::kAnchored) {
        Anchor(all.floats, reach, own.floats);
        Anchor(all.histograms, reach, own.histograms);
      } else {
        Smooth(all.floats, reach, is_counter, own.floats);
        Smooth(all.histograms, reach, is_counter, own.histograms);
      }
      window.ts_ms = own.floats.ts_ms;
      window.values = own.floats.values;
      window.histogram_ts_ms = own.histograms.ts_ms;
      window.histograms = own.histograms.values;
      if (window.values.empty() && window.histograms.empty()) continue;
      if (worker.looked_at.has_value()) {
        worker.looked_at->Add(step, window.values.size());
        for (const HistogramPtr& one : window.histograms) {
          worker.looked_at->Add(step, LookedAtFor(*one));
        }
      }
      LL_RETURN_IF_ERROR(worker.time.After(window.values.size() + window.histograms.size()));
      LL_RETURN_IF_ERROR(worker.Set(series, step, function.kernel(window)));
    }
    worker.Give(std::move(series));
    return absl::OkStatus();
  };
  return SelectSeries(context, selector,
                      {.back_ms = matrix.range_ms + context.lookback_ms,
                       .ahead_ms = Beyond(context, selector.edges)},
                      map, emit);
}

absl::Status SelectSmoothed(Context& context, const parse::VectorSelector& selector, Emit emit) {
  const auto map = [&](const store::SeriesBlock& block, Worker& worker) -> absl::Status {
    LL_RETURN_IF_ERROR(worker.Charge(context.steps()));
    StepSeries series(context.steps());
    series.labels = block.labels;
    SmoothedAt floats(block.ts_ms, context.lookback_ms);
    SmoothedAt histograms(block.histogram_ts_ms, context.lookback_ms);
    for (size_t step = 0; step < series.values.size(); ++step) {
      const int64_t at_ms = ReferenceTime(context, selector.modifier, step);
      const auto left = floats.LeftOf(at_ms);
      const auto left_histogram = histograms.LeftOf(at_ms);
      if (left_histogram.has_value() &&
          (!left.has_value() || block.histogram_ts_ms[*left_histogram] > block.ts_ms[*left])) {
        const model::NativeHistogram& before = block.histograms[*left_histogram];
        if (IsStale(before)) continue;
        auto value = std::make_shared<const Histogram>(Histogram::From(before));
        if (histograms.HasRightOf(at_ms) && !IsStale(block.histograms[*left_histogram + 1])) {
          const auto after = std::make_shared<const Histogram>(
              Histogram::From(block.histograms[*left_histogram + 1]));
          value = Between(value, after, histograms.FractionAt(at_ms), false);
        }
        LL_RETURN_IF_ERROR(worker.Set(series, step, {AbsentValue(), std::move(value)}));
      } else if (left.has_value()) {
        const double before = block.values[*left];
        double& value = series.values[step] = before;  // a marker is what absence looks like
        if (IsAbsent(before) || !floats.HasRightOf(at_ms)) continue;
        const double after = block.values[*left + 1];
        if (!IsAbsent(after)) value = Between(before, after, floats.FractionAt(at_ms), false);
      }
    }
    if (worker.looked_at.has_value()) worker.looked_at->Add(series);
    worker.Give(std::move(series));
    return absl::OkStatus();
  };
  return SelectSeries(context, selector,
                      {.back_ms = context.lookback_ms, .ahead_ms = Beyond(context, selector.edges)},
                      map, emit);
}

}  // namespace leadline::collector::promql::exec
