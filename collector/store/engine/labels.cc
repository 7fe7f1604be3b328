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

absl::Status Reader::AllLabelNames(std::string_view tenant, int64_t start_ms, int64_t end_ms,
                                   index::SmallestTexts& out) const {
  start_ms = std::max(start_ms, chunk::kMinTimestampMs);
  end_ms = std::min(end_ms, chunk::kMaxTimestampMs);
  if (start_ms > end_ms) return absl::OkStatus();
  head_.LabelNames(tenant, start_ms, end_ms, out);
  StringSet of_entities = head_.EntityLabelNames(tenant);
  for (const auto& window : windows_.Overlapping(start_ms, end_ms)) {
    const window::Dictionary& dictionary = window->dictionary();
    LL_RETURN_IF_ERROR(dictionary.LabelNames(tenant, index::LabelsOf::kSeries,
                                             [&](std::string_view name) { return out.Add(name); }));
    LL_RETURN_IF_ERROR(
        dictionary.LabelNames(tenant, index::LabelsOf::kEntity, [&](std::string_view name) {
          of_entities.emplace(name);
          return true;
        }));
  }
  for (const std::string& name : of_entities) {
    if (out.Knows(name)) continue;
    index::SmallestTexts one(1);
    LL_RETURN_IF_ERROR(AllLabelValues(tenant, name, start_ms, end_ms, one));
    if (!std::move(one).Take().empty()) out.Add(name);
  }
  return absl::OkStatus();
}

absl::Status Reader::AllLabelValues(std::string_view tenant, std::string_view name,
                                    int64_t start_ms, int64_t end_ms,
                                    index::SmallestTexts& out) const {
  start_ms = std::max(start_ms, chunk::kMinTimestampMs);
  end_ms = std::min(end_ms, chunk::kMaxTimestampMs);
  if (start_ms > end_ms) return absl::OkStatus();
  head_.LabelValues(tenant, name, start_ms, end_ms, out);
  const auto windows = windows_.Overlapping(start_ms, end_ms);
  for (const auto& window : windows) {
    const window::Dictionary& dictionary = window->dictionary();
    LL_RETURN_IF_ERROR(
        dictionary.LabelValues(tenant, index::LabelsOf::kSeries, name,
                               [&](std::string_view value) { return out.Add(value); }));
    absl::Status failed;
    LL_RETURN_IF_ERROR(
        dictionary.LabelValues(tenant, index::LabelsOf::kEntity, name, [&](std::string_view value) {
          if (out.Knows(value)) return true;
          const auto has = HasEntityWith(tenant, *window, {name, value}, start_ms, end_ms);
          failed = has.status();
          return failed.ok() && (!*has || out.Add(value));
        }));
    LL_RETURN_IF_ERROR(failed);
  }
  // What windows have not been told of entities whose samples they have.
  if (windows.empty()) return absl::OkStatus();
  LL_ASSIGN_OR_RETURN(const index::Matchers any,
                      index::Matchers::Compile({{Matcher::Op::kNotEqual, std::string(name), ""}}));
  for (const Id128& id : head_.ChangedEntities(tenant, any)) {
    const index::TimelinePtr timeline = head_.Timeline(tenant, id);
    if (timeline == nullptr) continue;
    std::vector<std::string> values;
    timeline->AnyInForce(start_ms, end_ms, [&](const model::EntityVersion& version) {
      for (const LabelSet* labels : {&version.labels, &version.kubernetes_labels}) {
        const std::string_view value = labels->Get(name);
        if (!value.empty() && !out.Knows(value)) values.emplace_back(value);
      }
      return false;
    });
    if (values.empty()) continue;
    for (const auto& window : windows) {
      LL_ASSIGN_OR_RETURN(const bool has, window->dictionary().HasSeriesOf(tenant, id));
      if (!has) continue;
      for (const std::string& value : values) out.Add(value);
      break;
    }
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
