#include "collector/store/engine/spans.h"

#include <algorithm>

#include "collector/store/engine/series_labels.h"

namespace leadline::collector::store::engine {

SpanFinder::SpanFinder(const FoundSet& found, const index::Matchers& matchers,
                       const StringSet& named, int64_t start_ms, int64_t end_ms)
    : found_(found), named_(named), start_ms_(start_ms), end_ms_(end_ms), matcher_(matchers) {}

const std::vector<Span>& SpanFinder::Find(const FoundSeries& series) {
  spans_.clear();
  if (const FoundSet::OneSet one = found_.OneSetOf(series); one.series != nullptr) {
    const window::Selected::Entity& entity = one.entity();
    if (one.series->matches) {
      spans_.push_back({entity.start_ms, start_ms_, end_ms_, entity.version});
    }
  } else if (const model::EntityTimeline* const timeline = found_.TimelineOf(series)) {
    FindByVersion(*series.definition, *timeline);
  } else if (matcher_.Matches(*series.definition, nullptr)) {
    spans_.push_back({0, start_ms_, end_ms_, nullptr});
  }
  return spans_;
}

void SpanFinder::FindByVersion(const index::Definition& definition,
                               const model::EntityTimeline& timeline) {
  const auto& versions = timeline.versions();
  const auto same_labels = [&](const model::EntityVersion& a, const model::EntityVersion& b) {
    return a.labels == b.labels && (named_.empty() || a.kubernetes_labels == b.kubernetes_labels);
  };
  int64_t begin_ms = timeline.start_ms();
  for (size_t i = 0; i < versions.size(); ++i) {
    if (i > 0 && !same_labels(versions[i - 1], versions[i])) begin_ms = versions[i].valid_from_ms;
    // The first version counts before its begin too.
    const int64_t first_ms = i == 0 ? start_ms_ : std::max(start_ms_, versions[i].valid_from_ms);
    const int64_t last_ms =
        i + 1 == versions.size() ? end_ms_ : std::min(end_ms_, versions[i + 1].valid_from_ms - 1);
    if (first_ms > last_ms || !matcher_.Matches(definition, &versions[i])) continue;
    if (!spans_.empty() && spans_.back().last_ms + 1 == first_ms &&
        SameVisibleLabels({definition, spans_.back().version}, {definition, &versions[i]},
                          named_)) {
      spans_.back().last_ms = last_ms;
    } else {
      spans_.push_back({begin_ms, first_ms, last_ms, &versions[i]});
    }
  }
}

}  // namespace leadline::collector::store::engine
