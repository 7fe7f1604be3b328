#include "tests/promql/memory_queryable.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <utility>

#include "collector/promql/value/histogram.h"
#include "collector/promql/value/histogram_columns.h"
#include "collector/store/call_meter.h"
#include "collector/store/index/matchers.h"
#include "common/status_macros.h"

namespace leadline::collector::promqltest {
namespace {

using store::Matcher;

bool MatchesAll(const LabelSet& labels, const store::index::Matchers& matchers) {
  return std::all_of(matchers.all().begin(), matchers.all().end(),
                     [&](const store::index::CompiledMatcher& matcher) {
                       return matcher.Matches(labels.Get(matcher.name()));
                     });
}

template <typename Value>
void CopyRange(const std::vector<int64_t>& ts_ms, const std::vector<Value>& values,
               int64_t start_ms, int64_t end_ms, std::vector<int64_t>& ts_out,
               std::vector<Value>& values_out) {
  for (size_t i = 0; i < ts_ms.size(); ++i) {
    if (ts_ms[i] < start_ms || ts_ms[i] > end_ms) continue;
    ts_out.push_back(ts_ms[i]);
    values_out.push_back(values[i]);
  }
}

store::SeriesBlock Between(const store::SeriesBlock& from, int64_t start_ms, int64_t end_ms) {
  store::SeriesBlock block;
  block.labels = from.labels;
  block.entity = from.entity;
  block.entity_start_ms = from.entity_start_ms;
  block.entity_end_ms = from.entity_end_ms;
  CopyRange(from.ts_ms, from.values, start_ms, end_ms, block.ts_ms, block.values);
  CopyRange(from.histogram_ts_ms, from.histograms, start_ms, end_ms, block.histogram_ts_ms,
            block.histograms);
  return block;
}

std::shared_ptr<const LabelSet> Shown(const std::shared_ptr<const LabelSet>& labels,
                                      const store::ShownLabels& shown) {
  if (shown.which == store::ShownLabels::Which::kAll) return labels;
  const bool only = shown.which == store::ShownLabels::Which::kOnly;
  LabelSet kept;
  for (const Label& label : *labels) {
    const bool named =
        std::find(shown.names.begin(), shown.names.end(), label.name) != shown.names.end();
    if (named == only || label.name == kMetricName) kept.Set(label.name, label.value);
  }
  return std::make_shared<const LabelSet>(std::move(kept));
}

// Values that nobody may look at, so that whoever does is seen.
void ForgetValues(store::SeriesBlock& block) {
  for (double& value : block.values) {
    if (!model::IsStaleNan(value)) value = 4711;
  }
}

// Samples that are not further apart than that, as fewer at other times that say the same.
void LeaveOut(int64_t apart_ms, store::SeriesBlock& block) {
  if (!block.histograms.empty()) return;
  size_t kept = 0;
  for (size_t begin = 0; begin < block.ts_ms.size();) {
    size_t end = begin + 1;
    while (end < block.ts_ms.size() && block.ts_ms[end] - block.ts_ms[end - 1] <= apart_ms &&
           !model::IsStaleNan(block.values[end - 1]) && !model::IsStaleNan(block.values[end])) {
      ++end;
    }
    const double value = block.values[begin];
    int64_t at_ms = block.ts_ms[begin];
    const int64_t last_ms = block.ts_ms[end - 1];
    begin = end;
    const auto keep = [&](int64_t ts_ms) {
      block.ts_ms[kept] = ts_ms;
      block.values[kept++] = value;
    };
    for (; last_ms - at_ms > apart_ms; at_ms += apart_ms) keep(at_ms);
    keep(at_ms);
    if (at_ms < last_ms) keep(last_ms);
  }
  block.ts_ms.resize(kept);
  block.values.resize(kept);
}

// As a store may, where all of the series is of one layout.
void GiveColumns(store::SeriesBlock& block) {
  if (std::any_of(block.histograms.begin(), block.histograms.end(), promql::IsStale) ||
      !block.ts_ms.empty()) {
    return;
  }
  auto columns = promql::AsColumns(block.histograms);
  if (!columns.has_value()) return;
  block.columns = std::make_shared<const model::HistogramColumns>(*std::move(columns));
  block.histograms.clear();
}

class MemorySelection final : public store::Selection {
 public:
  MemorySelection(std::vector<store::SeriesBlock> blocks, uint64_t max_samples)
      : blocks_(std::move(blocks)), max_samples_(max_samples) {}

  size_t size() const override { return blocks_.size(); }
  absl::Status Read(size_t first, size_t count, UseBlock use) const override {
    uint64_t samples = 0;
    for (size_t i = first; i < first + count; ++i) samples += blocks_[i].sample_count();
    if (samples > max_samples_) return absl::ResourceExhaustedError("too many samples");
    samples_read_ += samples;
    for (size_t i = first; i < first + count; ++i) {
      store::SeriesBlock block = blocks_[i];
      LL_RETURN_IF_ERROR(use(block));
    }
    return absl::OkStatus();
  }
  uint64_t held_bytes() const override { return 0; }  // the store has them anyway
  store::ReadCounts counts() const override {
    return {.candidates = blocks_.size(), .series = blocks_.size(), .samples = samples_read_};
  }

 private:
  const std::vector<store::SeriesBlock> blocks_;
  const uint64_t max_samples_;
  mutable std::atomic<uint64_t> samples_read_ = 0;
};

template <typename T>
std::vector<T> Limited(const std::set<T>& all, size_t limit) {
  std::vector<T> some(all.begin(), all.end());
  if (limit > 0 && some.size() > limit) some.resize(limit);
  return some;
}

}  // namespace

void MemoryQueryable::Append(store::SeriesBlock series) {
  for (store::SeriesBlock& has : series_) {
    if (*has.labels != *series.labels || has.entity_start_ms != series.entity_start_ms ||
        has.entity_end_ms != series.entity_end_ms) {
      continue;
    }
    const auto add = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    add(has.ts_ms, series.ts_ms);
    add(has.values, series.values);
    add(has.histogram_ts_ms, series.histogram_ts_ms);
    add(has.histograms, series.histograms);
    return;
  }
  Add(std::move(series));
}

absl::StatusOr<std::unique_ptr<store::Selection>> MemoryQueryable::Find(
    std::string_view, absl::Span<const Matcher> matchers, const store::SelectHints& hints) const {
  last_hints_ = hints;
  LL_RETURN_IF_ERROR(Failure());
  LL_ASSIGN_OR_RETURN(const auto compiled, store::index::Matchers::Compile(matchers));
  std::vector<store::SeriesBlock> found;
  for (const store::SeriesBlock& series : series_) {
    if (!MatchesAll(*series.labels, compiled)) continue;
    store::SeriesBlock block = Between(series, hints.start_ms, hints.end_ms);
    if (block.empty()) continue;
    block.labels = Shown(block.labels, hints.shown);
    if (hints.presence) {
      ForgetValues(block);
      LeaveOut(hints.range_ms, block);
    }
    if (hints.columns) GiveColumns(block);
    found.push_back(std::move(block));
  }
  return std::make_unique<MemorySelection>(std::move(found), hints.max_samples);
}

absl::Status MemoryQueryable::UseSeries(std::string_view, const store::SeriesFilter& filter,
                                        TakeSeries take) const {
  LL_RETURN_IF_ERROR(Failure());
  LL_ASSIGN_OR_RETURN(const std::set<LabelSet> found, Matching(filter));
  std::vector<std::vector<LabelView>> labels;
  for (const LabelSet& set : found) {
    if (filter.limit > 0 && labels.size() == filter.limit) break;
    std::vector<LabelView>& views = labels.emplace_back();
    for (const Label& label : set) views.push_back({label.name, label.value});
  }
  return take(std::vector<SeriesView>(labels.begin(), labels.end()));
}

absl::StatusOr<std::set<LabelSet>> MemoryQueryable::Matching(
    const store::SeriesFilter& filter) const {
  std::vector<store::index::Matchers> selectors;
  for (const auto& selector : filter.selectors) {
    LL_ASSIGN_OR_RETURN(selectors.emplace_back(), store::index::Matchers::Compile(selector));
  }
  store::CallMeter meter(filter.limits);
  std::set<LabelSet> found;
  for (const store::SeriesBlock& series : series_) {
    LL_RETURN_IF_ERROR(meter.Step(series.labels->size() * sizeof(Label)));
    const bool selected =
        selectors.empty() ||
        std::any_of(selectors.begin(), selectors.end(),
                    [&](const auto& selector) { return MatchesAll(*series.labels, selector); });
    const store::SeriesBlock block = Between(series, filter.start_ms, filter.end_ms);
    if (selected && block.ts_ms.size() + block.histogram_ts_ms.size() > 0) {
      found.insert(*series.labels);
    }
  }
  return found;
}

absl::Status MemoryQueryable::UseLabelNames(std::string_view, const store::SeriesFilter& filter,
                                            TakeTexts take) const {
  LL_RETURN_IF_ERROR(Failure());
  std::set<std::string_view> names;
  LL_ASSIGN_OR_RETURN(const std::set<LabelSet> found, Matching(filter));
  for (const LabelSet& labels : found) {
    for (const Label& label : labels) names.insert(label.name);
  }
  return take(Limited(names, filter.limit));
}

absl::Status MemoryQueryable::UseLabelValues(std::string_view, std::string_view name,
                                             const store::SeriesFilter& filter,
                                             TakeTexts take) const {
  LL_RETURN_IF_ERROR(Failure());
  std::set<std::string_view> values;
  LL_ASSIGN_OR_RETURN(const std::set<LabelSet> found, Matching(filter));
  for (const LabelSet& labels : found) values.insert(labels.Get(name));
  values.erase("");
  return take(Limited(values, filter.limit));
}

absl::StatusOr<std::vector<model::EntityVersion>> MemoryQueryable::EntitiesAt(std::string_view,
                                                                              int64_t) const {
  return std::vector<model::EntityVersion>();
}

}  // namespace leadline::collector::promqltest
