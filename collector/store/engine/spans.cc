#include "collector/store/engine/spans.h"

#include <algorithm>

#include "collector/store/engine/series_labels.h"
#include "collector/store/index/visible_labels.h"

namespace leadline::collector::store::engine {
namespace {

constexpr size_t kRememberedMatchers = 64;

}  // namespace

SpanFinder::SpanFinder(const index::Matchers& matchers, const StringSet& named, int64_t start_ms,
                       int64_t end_ms)
    : matchers_(matchers),
      named_(named),
      start_ms_(start_ms),
      end_ms_(end_ms),
      only_metric_(std::all_of(matchers.all().begin(), matchers.all().end(),
                               [](const auto& matcher) { return matcher.name() == kMetricName; })) {
}

bool SpanFinder::MetricMatches(const index::Definition& definition) {
  // Series of a metric mostly come one after the other.
  if (last_metric_ == definition.metric_id()) return last_metric_matches_;
  const auto [it, is_new] = metrics_.try_emplace(definition.metric_id(), true);
  if (is_new) {
    for (const index::CompiledMatcher& matcher : matchers_.all()) {
      if (matcher.name() == kMetricName) it->second &= matcher.Matches(definition.metric());
    }
  }
  last_metric_ = definition.metric_id();
  last_metric_matches_ = it->second;
  return last_metric_matches_;
}

uint64_t SpanFinder::MatchesOf(const model::EntityVersion* version) {
  const auto [it, is_new] = versions_.try_emplace(version, 0);
  if (!is_new) return it->second;
  for (size_t i = 0; i < std::min(matchers_.all().size(), kRememberedMatchers); ++i) {
    const index::CompiledMatcher& matcher = matchers_.all()[i];
    if (matcher.name() == kMetricName) continue;
    std::string_view value;
    if (version != nullptr) {
      value = version->labels.Get(matcher.name());
      if (value.empty()) value = version->kubernetes_labels.Get(matcher.name());
    }
    if (matcher.Matches(value)) it->second |= uint64_t{1} << i;
  }
  return it->second;
}

bool SpanFinder::Matches(const index::DefinitionPtr& definition,
                         const model::EntityVersion* version) {
  if (!MetricMatches(*definition)) return false;
  if (only_metric_) return true;
  const uint64_t by_version = MatchesOf(version);
  for (size_t i = 0; i < matchers_.all().size(); ++i) {
    const index::CompiledMatcher& matcher = matchers_.all()[i];
    if (matcher.name() == kMetricName) continue;
    const std::string_view own = definition->Get(matcher.name());
    if (own.empty() && i < kRememberedMatchers) {
      if ((by_version >> i & 1) == 0) return false;
    } else if (!matcher.Matches(index::LabelValue(*definition, version, matcher.name()))) {
      return false;
    }
  }
  return true;
}

const std::vector<Span>& SpanFinder::Find(const FoundSeries& found) {
  spans_.clear();
  if (found.timeline == nullptr) {
    if (Matches(found.definition, nullptr)) spans_.push_back({0, start_ms_, end_ms_, nullptr});
    return spans_;
  }
  const auto& versions = found.timeline->versions();
  const auto same_labels = [&](const model::EntityVersion& a, const model::EntityVersion& b) {
    return a.labels == b.labels && (named_.empty() || a.kubernetes_labels == b.kubernetes_labels);
  };
  int64_t begin_ms = found.timeline->start_ms();
  for (size_t i = 0; i < versions.size(); ++i) {
    if (i > 0 && !same_labels(versions[i - 1], versions[i])) begin_ms = versions[i].valid_from_ms;
    // The first version counts before its begin too.
    const int64_t first_ms = i == 0 ? start_ms_ : std::max(start_ms_, versions[i].valid_from_ms);
    const int64_t last_ms =
        i + 1 == versions.size() ? end_ms_ : std::min(end_ms_, versions[i + 1].valid_from_ms - 1);
    if (first_ms > last_ms || !Matches(found.definition, &versions[i])) continue;
    if (!spans_.empty() && spans_.back().last_ms + 1 == first_ms &&
        SameVisibleLabels({*found.definition, spans_.back().version},
                          {*found.definition, &versions[i]}, named_)) {
      spans_.back().last_ms = last_ms;
    } else {
      spans_.push_back({begin_ms, first_ms, last_ms, &versions[i]});
    }
  }
  return spans_;
}

}  // namespace leadline::collector::store::engine
