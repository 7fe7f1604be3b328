// Reader's answers about names and values of labels of all series, from labels alone: the series
// are not looked at one by one.
//
// A window knows by the day: what a series had there counts for the whole of it. Of an entity only
// versions in force in the range count, as the head and the window together know them; with samples
// in the head, as the head alone does: it knows all of an entity that it has not forgotten.
#include <algorithm>
#include <vector>

#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/reader.h"
#include "collector/store/index/smallest_texts.h"
#include "collector/store/index/visible_labels.h"
#include "common/status_macros.h"
#include "common/string_map.h"

namespace leadline::collector::store::engine {
namespace {

index::TimelinePtr BothTimelines(const index::TimelinePtr& a, const index::TimelinePtr& b) {
  if (b == nullptr || a == b) return a;
  auto merged = std::make_shared<model::EntityTimeline>(*a);
  merged->Merge(*b);
  return merged;
}

// "" where there is none.
std::string_view ValueOf(const model::EntityVersion& version, std::string_view name) {
  const std::string_view value = version.labels.Get(name);
  return value.empty() ? version.kubernetes_labels.Get(name) : value;
}

// Of the versions in force in the range; some may be there several times.
std::vector<std::string_view> ValuesInForce(const model::EntityTimeline& timeline,
                                            std::string_view name, int64_t start_ms,
                                            int64_t end_ms) {
  std::vector<std::string_view> values;
  timeline.AnyInForce(start_ms, end_ms, [&](const model::EntityVersion& version) {
    const std::string_view value = ValueOf(version, name);
    if (!value.empty()) values.push_back(value);
    return false;
  });
  return values;
}

}  // namespace

absl::StatusOr<bool> Reader::HasEntityWith(std::string_view tenant, const window::Window& window,
                                           const index::LabelView& label, int64_t start_ms,
                                           int64_t end_ms) const {
  bool found = false;
  LL_RETURN_IF_ERROR(
      window.dictionary().EntitiesWith(tenant, label, [&](const index::TimelinePtr& timeline) {
        const Id128& id = timeline->versions().front().id;
        found = index::IsInForce(*BothTimelines(timeline, head_.Timeline(tenant, id)), label,
                                 start_ms, end_ms);
        return !found;
      }));
  return found;
}

absl::StatusOr<bool> Reader::HasEntityValue(std::string_view tenant, std::string_view name,
                                            const Windows& windows,
                                            absl::Span<const index::TimelinePtr> changed,
                                            int64_t start_ms, int64_t end_ms,
                                            index::SmallestTexts& out) const {
  bool found = false;
  for (const auto& window : windows) {
    absl::Status failed;
    LL_RETURN_IF_ERROR(window->dictionary().LabelValues(
        tenant, index::LabelsOf::kEntity, name, [&](std::string_view value) {
          if (!out.GoOn()) return false;
          const auto has = HasEntityWith(tenant, *window, {name, value}, start_ms, end_ms);
          failed = has.status();
          found = failed.ok() && *has;
          return failed.ok() && !found;
        }));
    LL_RETURN_IF_ERROR(failed);
    LL_RETURN_IF_ERROR(out.status());
    if (found) return true;
  }
  for (const index::TimelinePtr& timeline : changed) {
    if (!out.GoOn()) return out.status();
    if (ValuesInForce(*timeline, name, start_ms, end_ms).empty()) continue;
    LL_ASSIGN_OR_RETURN(found, HasSeriesOf(tenant, *timeline, windows));
    if (found) return true;
  }
  return false;
}

absl::StatusOr<bool> Reader::HasSeriesOf(std::string_view tenant,
                                         const model::EntityTimeline& timeline,
                                         const Windows& windows) const {
  for (const auto& window : windows) {
    LL_ASSIGN_OR_RETURN(const bool has,
                        window->dictionary().HasSeriesOf(tenant, timeline.versions().front().id));
    if (has) return true;
  }
  return false;
}

absl::Status Reader::AllLabelNames(std::string_view tenant, const SeriesFilter& filter,
                                   index::SmallestTexts& out) const {
  const int64_t start_ms = std::max(filter.start_ms, chunk::kMinTimestampMs);
  const int64_t end_ms = std::min(filter.end_ms, chunk::kMaxTimestampMs);
  if (start_ms > end_ms) return absl::OkStatus();
  head_.LabelNames(tenant, start_ms, end_ms, out);
  if (!out.GoOn()) return out.status();
  const auto windows = windows_.Overlapping(start_ms, end_ms);
  if (windows.empty()) return absl::OkStatus();
  StringSet of_entities = head_.EntityLabelNames(tenant);
  for (const auto& window : windows) {
    const window::Dictionary& dictionary = window->dictionary();
    LL_RETURN_IF_ERROR(dictionary.LabelNames(tenant, index::LabelsOf::kSeries,
                                             [&](std::string_view name) { return out.Add(name); }));
    LL_RETURN_IF_ERROR(
        dictionary.LabelNames(tenant, index::LabelsOf::kEntity, [&](std::string_view name) {
          of_entities.emplace(name);
          return out.GoOn();
        }));
    LL_RETURN_IF_ERROR(out.status());
  }
  const std::vector<index::TimelinePtr> changed = head_.ChangedTimelines(tenant);
  for (const std::string& name : of_entities) {
    if (out.Knows(name)) continue;
    LL_ASSIGN_OR_RETURN(const bool has,
                        HasEntityValue(tenant, name, windows, changed, start_ms, end_ms, out));
    if (has) out.Add(name);
  }
  return out.status();
}

absl::Status Reader::AllLabelValues(std::string_view tenant, std::string_view name,
                                    const SeriesFilter& filter, index::SmallestTexts& out) const {
  const int64_t start_ms = std::max(filter.start_ms, chunk::kMinTimestampMs);
  const int64_t end_ms = std::min(filter.end_ms, chunk::kMaxTimestampMs);
  if (start_ms > end_ms) return absl::OkStatus();
  head_.LabelValues(tenant, name, start_ms, end_ms, out);
  if (!out.GoOn()) return out.status();
  const auto windows = windows_.Overlapping(start_ms, end_ms);
  if (windows.empty()) return absl::OkStatus();
  // Of the values of entities that windows do not know all of, what they say is not enough.
  const std::vector<index::TimelinePtr> changed = head_.ChangedTimelines(tenant);
  StringSet unsure;
  for (const index::TimelinePtr& timeline : changed) {
    for (const auto& window : windows) {
      if (!out.GoOn()) return out.status();
      LL_ASSIGN_OR_RETURN(const index::TimelinePtr known,
                          window->dictionary().Timeline(tenant, timeline->versions().front().id));
      if (known == nullptr) continue;
      for (const model::EntityVersion& version : known->versions()) {
        const std::string_view value = ValueOf(version, name);
        if (!value.empty() && !out.Knows(value)) unsure.emplace(value);
      }
    }
  }
  for (const auto& window : windows) {
    LL_ASSIGN_OR_RETURN(const auto values,
                        window->dictionary().TimedLabelValues(tenant, name, filter.limits));
    LL_RETURN_IF_ERROR(out.Merge(
        values->size(), [&](size_t i) { return values->value(i); },
        [&](size_t i) -> absl::StatusOr<bool> {
          if (unsure.empty() || values->of_series(i) || !unsure.contains(values->value(i))) {
            return values->WasIn(i, start_ms, end_ms);
          }
          return HasEntityWith(tenant, *window, {name, values->value(i)}, start_ms, end_ms);
        },
        values));
  }
  for (const index::TimelinePtr& timeline : changed) {
    if (!out.GoOn()) return out.status();
    const std::vector<std::string_view> values = ValuesInForce(*timeline, name, start_ms, end_ms);
    if (std::all_of(values.begin(), values.end(),
                    [&](std::string_view value) { return out.Knows(value); })) {
      continue;
    }
    LL_ASSIGN_OR_RETURN(const bool has, HasSeriesOf(tenant, *timeline, windows));
    if (!has) continue;
    for (const std::string_view value : values) out.Add(value);
  }
  return out.status();
}

}  // namespace leadline::collector::store::engine
