#include "collector/store/engine/found_series.h"

#include <utility>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {

void FoundSet::MergeTimeline(const Id128& entity, const index::TimelinePtr& timeline) {
  if (timeline == nullptr) return;
  index::TimelinePtr& known = timelines_[entity];
  if (known == nullptr) {
    known = timeline;
  } else if (known != timeline && !(*known == *timeline)) {
    auto merged = std::make_shared<model::EntityTimeline>(*known);
    merged->Merge(*timeline);
    known = std::move(merged);
  }
}

size_t FoundSet::Add(const index::DefinitionPtr& definition, const index::TimelinePtr& timeline) {
  MergeTimeline(definition->entity(), timeline);
  const auto [it, added] = numbers_.try_emplace(definition.get(), series_.size());
  if (added) series_.push_back({.definition = definition});
  return it->second;
}

absl::Status FoundSet::Gather(const head::Head& head, const WindowSet& windows,
                              const index::Matchers& matchers, bool with_samples) {
  for (head::SeriesSnapshot& found :
       head.Find(tenant_, matchers, start_ms_, end_ms_, with_samples)) {
    const size_t number = Add(found.definition, found.timeline);
    series_[number].head_pieces = std::move(found.pieces);
  }
  const std::vector<Id128> changed = head.ChangedEntities(tenant_, matchers);
  for (auto& window : windows.Overlapping(start_ms_, end_ms_)) {
    WindowSeries found{std::move(window), {}};
    LL_RETURN_IF_ERROR(found.window->Find(tenant_, matchers, changed, found.refs));
    for (size_t i = 0; i < found.refs.size(); ++i) {
      const size_t number = Add(found.refs[i].definition, found.refs[i].timeline);
      series_[number].windows.push_back(
          {static_cast<uint32_t>(windows_.size()), static_cast<uint32_t>(i)});
    }
    if (!found.refs.empty()) windows_.push_back(std::move(found));
  }
  absl::flat_hash_map<Id128, bool> asked;
  for (FoundSeries& found : series_) {
    const Id128& entity = found.definition->entity();
    if (asked.try_emplace(entity, true).second) {
      MergeTimeline(entity, head.Timeline(tenant_, entity));
    }
  }
  for (FoundSeries& found : series_) {
    const auto it = timelines_.find(found.definition->entity());
    if (it != timelines_.end()) found.timeline = it->second;
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
