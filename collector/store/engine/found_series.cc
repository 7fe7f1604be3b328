#include "collector/store/engine/found_series.h"

#include <algorithm>
#include <utility>

#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

// Of a series that was found: its entry, which may be there twice while the list grows, its number
// by definition, and its share of its entity's.
constexpr uint64_t kSeriesBytes = 2 * sizeof(FoundSeries) + 60;

}  // namespace

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

// All of them are new where nothing was found before.
absl::Status FoundSet::AddRefs(const window::SeriesRefs& refs, uint32_t window, CallMeter& meter) {
  const bool are_new = series_.empty();
  const size_t at_most = series_.size() + refs.size();
  if (at_most > series_.capacity()) {
    LL_RETURN_IF_ERROR(meter.Step((at_most - series_.capacity()) * kSeriesBytes));
  }
  series_.reserve(at_most);
  // Series of others have no entity.
  if (refs.front().timeline != nullptr) entity_numbers_.reserve(refs.size());
  if (!are_new && numbers_.empty()) {
    numbers_.reserve(series_.size() + refs.size());
    for (size_t i = 0; i < series_.size(); ++i) numbers_[series_[i].definition.get()] = i;
  }
  for (size_t i = 0; i < refs.size(); ++i) {
    LL_RETURN_IF_ERROR(meter.Step());
    size_t number = series_.size();
    if (are_new) {
      const uint32_t entity = EntityOf(refs[i].definition->entity());
      MergeTimeline(refs[i].timeline, entities_[entity]);
      series_.push_back({.definition = refs[i].definition, .entity = entity});
    } else {
      number = Add(refs[i].definition, refs[i].timeline);
    }
    series_[number].windows.push_back({window, static_cast<uint32_t>(i)});
  }
  return absl::OkStatus();
}

size_t FoundSet::Add(const index::DefinitionPtr& definition, const index::TimelinePtr& timeline) {
  const uint32_t entity = EntityOf(definition->entity());
  MergeTimeline(timeline, entities_[entity]);
  const auto [it, added] = numbers_.try_emplace(definition.get(), series_.size());
  if (added) series_.push_back({.definition = definition, .entity = entity});
  return it->second;
}

absl::Status FoundSet::AddHead(const head::Head& head, const index::Matchers& matchers,
                               bool with_samples, CallMeter& meter) {
  LL_ASSIGN_OR_RETURN(std::vector<head::SeriesSnapshot> snapshots,
                      head.Find(tenant_, matchers, start_ms_, end_ms_, with_samples, meter));
  LL_RETURN_IF_ERROR(meter.Step(snapshots.size() * kSeriesBytes));
  for (head::SeriesSnapshot& found : snapshots) {
    const size_t number = Add(found.definition, found.timeline);
    series_[number].head_pieces = std::move(found.pieces);
  }
  meter.GiveBack(snapshots.size() * sizeof(head::SeriesSnapshot));
  return absl::OkStatus();
}

absl::Status FoundSet::AddWindows(const WindowSet::Opened& windows, const head::Head& head,
                                  const index::Matchers& matchers, CallMeter& meter) {
  const std::vector<Id128> changed = head.ChangedEntities(tenant_, matchers);
  for (const auto& [id, window] : windows) {
    gathered_.insert(id);
    WindowSeries found{id, window, nullptr};
    LL_ASSIGN_OR_RETURN(found.refs,
                        window->dictionary().FindShared(tenant_, matchers, changed, meter));
    if (found.refs->empty()) continue;
    LL_RETURN_IF_ERROR(AddRefs(*found.refs, static_cast<uint32_t>(windows_.size()), meter));
    windows_.push_back(std::move(found));
  }
  for (FoundEntity& entity : entities_) {
    LL_RETURN_IF_ERROR(meter.Step());
    MergeTimeline(head.Timeline(tenant_, entity.id), entity);
    if (entity.timeline == nullptr) continue;
    entity.start_ms = entity.timeline->start_ms();
    entity.end_ms = entity.timeline->end_ms();
  }
  for (FoundSeries& found : series_) found.timeline = entities_[found.entity].timeline.get();
  return absl::OkStatus();
}

absl::Status FoundSet::Gather(const head::Head& head, const WindowSet& windows,
                              const index::Matchers& matchers, bool with_samples,
                              CallMeter& meter) {
  LL_RETURN_IF_ERROR(AddHead(head, matchers, with_samples, meter));
  WindowSet::Opened known = windows.KnowingById(start_ms_, end_ms_);
  if (with_samples) {
    std::erase_if(known, [](const auto& window) { return IsRollup(window.first.retention); });
  }
  return AddWindows(known, head, matchers, meter);
}

absl::Status FoundSet::GatherSummary(const head::Head& head, const WindowSet& windows,
                                     const index::Matchers& matchers, const RollupHints& hints,
                                     CallMeter& meter) {
  LL_RETURN_IF_ERROR(AddHead(head, matchers, /*with_samples=*/true, meter));
  // After the head: what comes late is there, or has taken the rollups' marks away.
  zones_ = ZonesOf(windows, tenant_, start_ms_, end_ms_, hints);
  WindowSet::Opened wanted = windows.OverlappingById(start_ms_ - 1, end_ms_);
  std::erase_if(wanted, [this](const auto& window) {
    const WindowId& id = window.first;
    if (id.retention == RetentionClass::kProcesses) return false;
    return std::none_of(zones_.begin(), zones_.end(), [&](const Zone& zone) {
      // Rollups tell what is at the very begin of a window in the one before.
      const int64_t early_ms = IsRollup(id.retention) ? 1 : 0;
      return zone.source == id.retention && zone.first_ms - early_ms <= LastMs(id) &&
             zone.last_ms - early_ms >= id.start_ms;
    });
  });
  const bool any_rollups = std::any_of(zones_.begin(), zones_.end(),
                                       [](const Zone& zone) { return IsRollup(zone.source); });
  if (!any_rollups) zones_.clear();
  return AddWindows(wanted, head, matchers, meter);
}

}  // namespace leadline::collector::store::engine
