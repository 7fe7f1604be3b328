#include "tests/promql/memory_queryable.h"

#include <algorithm>
#include <set>

#include <re2/re2.h>

namespace leadline::collector::promqltest {
namespace {

using store::Matcher;

bool Matches(const LabelSet& labels, const Matcher& matcher) {
  const std::string_view value = labels.Get(matcher.name);
  switch (matcher.op) {
    case Matcher::Op::kEqual:
      return value == matcher.value;
    case Matcher::Op::kNotEqual:
      return value != matcher.value;
    case Matcher::Op::kRegex:
      return RE2::FullMatch(std::string(value), matcher.value);
    case Matcher::Op::kNotRegex:
      return !RE2::FullMatch(std::string(value), matcher.value);
  }
  return false;
}

bool MatchesAll(const LabelSet& labels, absl::Span<const Matcher> matchers) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&](const Matcher& matcher) { return Matches(labels, matcher); });
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
  std::vector<store::SeriesBlock> found;
  uint64_t samples = 0;
  for (const store::SeriesBlock& series : series_) {
    if (!MatchesAll(*series.labels, matchers)) continue;
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
  return Limited(Matching(filter), filter.limit);
}

std::set<LabelSet> MemoryQueryable::Matching(const store::SeriesFilter& filter) const {
  std::set<LabelSet> found;
  for (const store::SeriesBlock& series : series_) {
    const bool selected =
        filter.selectors.empty() ||
        std::any_of(filter.selectors.begin(), filter.selectors.end(),
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
  for (const LabelSet& labels : Matching(filter)) {
    for (const Label& label : labels) names.insert(label.name);
  }
  return Limited(names, filter.limit);
}

absl::StatusOr<std::vector<std::string>> MemoryQueryable::LabelValues(
    std::string_view, std::string_view name, const store::SeriesFilter& filter) const {
  if (!error_.ok()) return error_;
  std::set<std::string> values;
  for (const LabelSet& labels : Matching(filter)) values.emplace(labels.Get(name));
  values.erase("");
  return Limited(values, filter.limit);
}

absl::StatusOr<std::vector<model::EntityVersion>> MemoryQueryable::EntitiesAt(std::string_view,
                                                                              int64_t) const {
  return std::vector<model::EntityVersion>();
}

}  // namespace leadline::collector::promqltest
