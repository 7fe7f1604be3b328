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

// A source gives the same timeline with each series of an entity.
void FoundSet::MergeTimeline(const model::EntityTimeline* timeline, FoundEntity& entity) {
  if (timeline == nullptr || timeline == entity.timeline || timeline == entity.merged_last) return;
  entity.merged_last = timeline;
  if (entity.timeline == nullptr) {
    entity.timeline = timeline;
  } else if (*entity.timeline == *timeline) {
    return;
  } else {
    auto merged = std::make_shared<model::EntityTimeline>(*entity.timeline);
    merged->Merge(*timeline);
    entity.timeline = merged.get();
    timelines_.push_back(std::move(merged));
  }
  entity.start_ms = entity.timeline->start_ms();
  entity.end_ms = entity.timeline->end_ms();
}

uint32_t FoundSet::EntityOf(const Id128& id) {
  // Series of an entity mostly come one after the other.
  if (last_entity_ < entities_.size() && entities_[last_entity_].id == id) return last_entity_;
  for (auto next = static_cast<uint32_t>(entity_numbers_.size()); next < entities_.size(); ++next) {
    entity_numbers_.emplace(entities_[next].id, next);
  }
  const auto [it, added] = entity_numbers_.try_emplace(id, static_cast<uint32_t>(entities_.size()));
  if (added) entities_.push_back({.id = id});
  last_entity_ = it->second;
  return it->second;
}

std::vector<uint32_t> FoundSet::AddEntities(const window::Selected& selected) {
  const bool are_new = entities_.empty();
  std::vector<uint32_t> numbers;
  numbers.reserve(selected.entities().size());
  if (are_new) entities_.reserve(selected.entities().size());
  for (const window::Selected::Entity& one : selected.entities()) {
    if (are_new) {
      numbers.push_back(static_cast<uint32_t>(entities_.size()));
      entities_.push_back({one.id, one.timeline.get(), nullptr, one.start_ms, one.end_ms});
    } else {
      numbers.push_back(EntityOf(one.id));
      MergeTimeline(one.timeline.get(), entities_[numbers.back()]);
    }
  }
  return numbers;
}

// All of them are new where nothing was found before.
absl::Status FoundSet::AddSelected(const window::Selected& selected,
                                   absl::Span<const uint32_t> entities, CallMeter& meter) {
  const bool are_new = series_.empty();
  const auto window = static_cast<uint32_t>(windows_.size());
  const size_t at_most = series_.size() + selected.series().size();
  if (at_most > series_.capacity()) {
    LL_RETURN_IF_ERROR(meter.Step((at_most - series_.capacity()) * kSeriesBytes));
  }
  series_.reserve(at_most);
  if (!are_new && numbers_.empty()) {
    numbers_.reserve(at_most);
    for (size_t i = 0; i < series_.size(); ++i) numbers_[series_[i].definition] = i;
  }
  for (uint32_t i = 0; i < selected.series().size(); ++i) {
    LL_RETURN_IF_ERROR(meter.Step());
    const window::Selected::Series& one = selected.series()[i];
    size_t number = series_.size();
    if (are_new) {
      FoundSeries& added = series_.emplace_back();
      added.definition = one.definition.get();
      added.entity = entities[one.entity];
    } else {
      number = Add(one.definition.get(), entities[one.entity]);
    }
    series_[number].windows.push_back({window, i});
  }
  return absl::OkStatus();
}

size_t FoundSet::Add(const index::Definition* definition, uint32_t entity) {
  const auto [it, added] = numbers_.try_emplace(definition, series_.size());
  if (added) series_.push_back({.definition = definition, .entity = entity});
  return it->second;
}

absl::Status FoundSet::AddHead(const head::Head& head, const index::Matchers& matchers,
                               bool with_samples, CallMeter& meter) {
  LL_ASSIGN_OR_RETURN(std::vector<head::SeriesSnapshot> snapshots,
                      head.Find(tenant_, matchers, start_ms_, end_ms_, with_samples, meter));
  LL_RETURN_IF_ERROR(meter.Step(snapshots.size() * kSeriesBytes));
  for (head::SeriesSnapshot& found : snapshots) {
    const uint32_t entity = EntityOf(found.definition->entity());
    if (found.timeline.get() != entities_[entity].merged_last) {
      MergeTimeline(found.timeline.get(), entities_[entity]);
      timelines_.push_back(std::move(found.timeline));
    }
    const size_t number = Add(found.definition.get(), entity);
    series_[number].head_pieces = std::move(found.pieces);
    definitions_.push_back(std::move(found.definition));
  }
  meter.GiveBack(snapshots.size() * sizeof(head::SeriesSnapshot));
  return absl::OkStatus();
}

// Of entities that were compared with what the head knew, only those that differed and those that
// have changed since are asked for.
absl::Status FoundSet::MergeHead(const head::Head& head, const window::Selected& selected,
                                 absl::Span<const uint32_t> numbers, CallMeter& meter) {
  constexpr size_t kLeastChanges = 16;
  constexpr size_t kChangesPart = 8;
  const std::vector<window::Selected::Entity>& entities = selected.entities();
  // Whether that is something else than the window knows.
  const auto merge = [&](uint32_t entity) {
    index::TimelinePtr timeline = head.Timeline(tenant_, entities[entity].id);
    const index::TimelinePtr& known = entities[entity].timeline;
    if (timeline == nullptr || timeline == known) return false;
    MergeTimeline(timeline.get(), entities_[numbers[entity]]);
    const bool differs = known == nullptr || !(*timeline == *known);
    timelines_.push_back(std::move(timeline));
    return differs;
  };
  const std::shared_ptr<const window::Selected::Compared> before = selected.compared();
  std::vector<Id128> changed;
  if (before != nullptr &&
      head.entity_changes().Since(
          before->changes, std::max(kLeastChanges, entities.size() / kChangesPart), changed)) {
    for (const uint32_t entity : before->differ) merge(entity);
    for (const Id128& id : changed) {
      if (const uint32_t* const entity = selected.FindEntity(id)) merge(*entity);
    }
    return meter.Step();
  }
  window::Selected::Compared compared{head.entity_changes().count(), {}};
  for (uint32_t entity = 0; entity < entities.size(); ++entity) {
    LL_RETURN_IF_ERROR(meter.Step());
    if (merge(entity)) compared.differ.push_back(entity);
  }
  selected.SetCompared(std::move(compared));
  return absl::OkStatus();
}

absl::Status FoundSet::AddWindows(const WindowSet::Opened& windows, const head::Head& head,
                                  const index::Matchers& matchers, CallMeter& meter) {
  const std::vector<Id128> changed = head.ChangedEntities(tenant_, matchers);
  std::vector<std::vector<uint32_t>> entities;  // of each window that has some
  for (const auto& [id, window] : windows) {
    gathered_.insert(id);
    LL_ASSIGN_OR_RETURN(window::Dictionary::Found found,
                        window->dictionary().FindShared(tenant_, matchers, changed, meter));
    for (auto* const selected : {&found.shared, &found.others}) {
      if (*selected == nullptr || (*selected)->series().empty()) continue;
      entities.push_back(AddEntities(**selected));
      LL_RETURN_IF_ERROR(AddSelected(**selected, entities.back(), meter));
      windows_.push_back({id, window, std::move(*selected)});
    }
  }
  for (size_t i = 0; i < entities.size(); ++i) {
    LL_RETURN_IF_ERROR(MergeHead(head, *windows_[i].selected, entities[i], meter));
  }
  return absl::OkStatus();
}

FoundSet::OneSet FoundSet::OneSetOf(const FoundSeries& series) const {
  if (series.windows.empty()) return {};
  const FoundSeries::WindowPlace& place = series.windows.back();
  const window::Selected& selected = *windows_[place.window].selected;
  const OneSet set{&selected, &selected.series()[place.number]};
  const window::Selected::Entity& entity = set.entity();
  return entity.has_one_set() && entity.timeline.get() == TimelineOf(series) ? set : OneSet{};
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
