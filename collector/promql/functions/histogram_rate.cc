#include "collector/promql/functions/histogram_rate.h"

#include <algorithm>
#include <memory>

#include "absl/types/span.h"

#include "collector/promql/value/remarks.h"

namespace leadline::collector::promql {
namespace {

using Histograms = absl::Span<const std::shared_ptr<const Histogram>>;

// Of the same layout, and of nothing.
Histogram EmptyLike(const Histogram& histogram) {
  Histogram empty;
  empty.schema = histogram.schema;
  empty.zero_threshold = histogram.zero_threshold;
  empty.custom_bounds = histogram.custom_bounds;
  return empty;
}

void RemarkOnKind(const Window& window, Histograms histograms, bool is_counter) {
  const auto is_gauge = [](const auto& histogram) { return histogram->is_gauge(); };
  if (is_counter && std::any_of(histograms.begin(), histograms.end(), is_gauge)) {
    window.remarker->Warn(remarks::NotACounterHistogram(window.name));
  }
  if (!is_counter && (!is_gauge(histograms.front()) || !is_gauge(histograms.back()))) {
    window.remarker->Warn(remarks::NotAGaugeHistogram(window.name));
  }
}

// Whether all have custom buckets, or none has; else there is a warning.
bool AreOfOneKind(const Window& window, Histograms histograms) {
  const bool custom = histograms.back()->uses_custom_buckets();
  const bool one_kind = std::all_of(
      histograms.begin(), histograms.end(),
      [custom](const auto& histogram) { return histogram->uses_custom_buckets() == custom; });
  if (!one_kind) window.remarker->Warn(remarks::MixedBuckets(window.name));
  return one_kind;
}

// REQUIRES: buckets of one kind.
void Add(const Window& window, const Histogram& histogram, double factor, Histogram& sum) {
  if (!sum.Add(histogram, factor).bounds_reconciled) return;
  window.remarker->Inform(remarks::ReconciledBounds(factor < 0 ? "subtraction" : "addition"));
}

}  // namespace

std::optional<Histogram> HistogramRise(const Window& window, bool is_counter) {
  const Histograms all = window.histograms;
  RemarkOnKind(window, all, is_counter);
  // The second one tells all that is to be known of a first one before a reset.
  const bool begins_with_reset = is_counter && WasReset(*all[0], *all[1]);
  const Histograms used = all.subspan(begins_with_reset ? 1 : 0);
  const bool fit =
      is_counter ? AreOfOneKind(window, used) : AreOfOneKind(window, {used.front(), used.back()});
  if (!fit) return std::nullopt;
  Histogram rise = *used.back();
  Add(window, begins_with_reset ? EmptyLike(*used.front()) : *used.front(), -1, rise);
  for (size_t i = 1; is_counter && i < used.size(); ++i) {
    if (WasReset(*used[i - 1], *used[i])) Add(window, *used[i - 1], 1, rise);
  }
  rise.reset_hint = model::ResetHint::kGauge;
  return rise;
}

std::optional<Histogram> LastHistogramRise(const Window& window, bool is_counter) {
  const Histograms last = window.histograms.last(2);
  RemarkOnKind(window, last, is_counter);
  Histogram rise = *last[1];
  if (!is_counter || !WasReset(*last[0], *last[1])) {
    if (!AreOfOneKind(window, last)) return std::nullopt;
    Add(window, *last[0], -1, rise);
  }
  rise.reset_hint = model::ResetHint::kGauge;
  return rise;
}

}  // namespace leadline::collector::promql
