#include "collector/store/engine/found_series.h"

#include <utility>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {

void FoundSet::MergeTimeline(const index::TimelinePtr& timeline, FoundEntity& entity) {
  // A source gives the same timeline with each series of an entity.
  if (timeline == nullptr || timeline == entity.merged_last) return;
  entity.merged_last = timeline;
  index::TimelinePtr& known = entity.timeline;
  if (known == nullptr) {
    known = timeline;
  } else if (known != timeline && !(*known == *timeline)) {
    auto merged = std::make_shared<model::EntityTimeline>(*known);
    merged->Merge(*timeline);
    known = std::move(merged);
  }
}

uint32_t FoundSet::EntityOf(const Id128& id) {
  // Series of an entity mostly come one after the other.
  if (last_entity_ < entities_.size() && entities_[last_entity_].id == id) return last_entity_;
  const auto [it, added] = entity_numbers_.try_emplace(id, static_cast<uint32_t>(entities_.size()));
  if (added) entities_.push_back({.id = id});
  last_entity_ = it->second;
  return it->second;
}

size_t FoundSet::Add(const index::DefinitionPtr& definition, const index::TimelinePtr& timeline) {
  const uint32_t entity = EntityOf(definition->entity());
  MergeTimeline(timeline, entities_[entity]);
  const auto [it, added] = numbers_.try_emplace(definition.get(), series_.size());
  if (added) series_.push_back({.definition = definition, .entity = entity});
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
    LL_RETURN_IF_ERROR(found.window->dictionary().Find(tenant_, matchers, changed, found.refs));
    for (size_t i = 0; i < found.refs.size(); ++i) {
      const size_t number = Add(found.refs[i].definition, found.refs[i].timeline);
      series_[number].windows.push_back(
          {static_cast<uint32_t>(windows_.size()), static_cast<uint32_t>(i)});
    }
    if (!found.refs.empty()) windows_.push_back(std::move(found));
  }
  for (FoundEntity& entity : entities_) MergeTimeline(head.Timeline(tenant_, entity.id), entity);
  for (FoundSeries& found : series_) found.timeline = entities_[found.entity].timeline;
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
