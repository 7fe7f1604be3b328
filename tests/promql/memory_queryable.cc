#include "tests/promql/memory_queryable.h"

#include <algorithm>
#include <set>

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

template <typename T>
std::vector<T> Limited(const std::set<T>& all, size_t limit) {
  std::vector<T> some(all.begin(), all.end());
  if (limit > 0 && some.size() > limit) some.resize(limit);
  return some;
}

}  // namespace

absl::StatusOr<std::vector<store::SeriesBlock>> MemoryQueryable::Select(
    std::string_view, absl::Span<const Matcher> matchers, const store::SelectHints& hints) const {
  last_hints_ = hints;
  if (!error_.ok()) return error_;
  LL_ASSIGN_OR_RETURN(const auto compiled, store::index::Matchers::Compile(matchers));
  std::vector<store::SeriesBlock> found;
  uint64_t samples = 0;
  for (const store::SeriesBlock& series : series_) {
    if (!MatchesAll(*series.labels, compiled)) continue;
    store::SeriesBlock block = Between(series, hints.start_ms, hints.end_ms);
    const size_t count = block.ts_ms.size() + block.histogram_ts_ms.size();
    samples += count;
    if (samples > hints.max_samples) return absl::ResourceExhaustedError("too many samples");
    if (count > 0) found.push_back(std::move(block));
  }
  return found;
}

absl::StatusOr<std::vector<LabelSet>> MemoryQueryable::Series(
    std::string_view, const store::SeriesFilter& filter) const {
  if (!error_.ok()) return error_;
  LL_ASSIGN_OR_RETURN(const std::set<LabelSet> found, Matching(filter));
  return Limited(found, filter.limit);
}

absl::StatusOr<std::set<LabelSet>> MemoryQueryable::Matching(
    const store::SeriesFilter& filter) const {
  std::vector<store::index::Matchers> selectors;
  for (const auto& selector : filter.selectors) {
    LL_ASSIGN_OR_RETURN(selectors.emplace_back(), store::index::Matchers::Compile(selector));
  }
  std::set<LabelSet> found;
  for (const store::SeriesBlock& series : series_) {
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

absl::StatusOr<std::vector<std::string>> MemoryQueryable::LabelNames(
    std::string_view, const store::SeriesFilter& filter) const {
  if (!error_.ok()) return error_;
  std::set<std::string> names;
  LL_ASSIGN_OR_RETURN(const std::set<LabelSet> found, Matching(filter));
  for (const LabelSet& labels : found) {
    for (const Label& label : labels) names.insert(label.name);
  }
  return Limited(names, filter.limit);
}

absl::StatusOr<std::vector<std::string>> MemoryQueryable::LabelValues(
    std::string_view, std::string_view name, const store::SeriesFilter& filter) const {
  if (!error_.ok()) return error_;
  std::set<std::string> values;
  LL_ASSIGN_OR_RETURN(const std::set<LabelSet> found, Matching(filter));
  for (const LabelSet& labels : found) values.emplace(labels.Get(name));
  values.erase("");
  return Limited(values, filter.limit);
}

absl::StatusOr<std::vector<model::EntityVersion>> MemoryQueryable::EntitiesAt(std::string_view,
                                                                              int64_t) const {
  return std::vector<model::EntityVersion>();
}

}  // namespace leadline::collector::promqltest
