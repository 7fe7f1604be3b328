// Reader's answers about names, values, series and entities, from the indices alone.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"

#include "collector/store/call_meter.h"
#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/found_series.h"
#include "collector/store/engine/reader.h"
#include "collector/store/engine/series_rows.h"
#include "collector/store/index/series_matcher.h"
#include "collector/store/index/visible_labels.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

constexpr auto kLeaveAll = [] { return absl::OkStatus(); };

// Labels by their ids, which are kept so that they stay what they are.
class SeenLabels {
 public:
  SeenLabels() = default;
  ~SeenLabels() {
    for (const index::LabelId id : ids_) index::LabelTable::Get().Release(id);
  }
  SeenLabels(const SeenLabels&) = delete;
  SeenLabels& operator=(const SeenLabels&) = delete;

  // Whether it is seen for the first time.
  bool Insert(index::LabelId id) {
    if (!ids_.insert(id).second) return false;
    index::LabelTable::Get().Retain(id);
    return true;
  }
  static constexpr uint64_t kBytes = 2 * sizeof(index::LabelId);  // of each

 private:
  absl::flat_hash_set<index::LabelId> ids_;
};

// A version of an entity.
using VersionKey = std::tuple<Id128, int64_t, uint64_t>;

}  // namespace

absl::Status Reader::VisitAll(std::string_view tenant, const SeriesFilter& filter,
                              std::optional<Gathered>& last, VisitSeries visit,
                              absl::FunctionRef<absl::Status()> leave) const {
  const int64_t start_ms = std::max(filter.start_ms, chunk::kMinTimestampMs);
  const int64_t end_ms = std::min(filter.end_ms, chunk::kMaxTimestampMs);
  if (start_ms > end_ms) return absl::OkStatus();
  std::vector<index::Matchers> selectors;
  for (const std::vector<Matcher>& selector : filter.selectors) {
    LL_ASSIGN_OR_RETURN(index::Matchers compiled, index::Matchers::Compile(selector));
    if (compiled.matches_empty()) {
      return absl::InvalidArgumentError(
          "a selector must have at least one matcher that does not match the empty string");
    }
    selectors.push_back(std::move(compiled));
  }
  if (selectors.empty()) selectors.emplace_back();

  for (index::Matchers& matchers : selectors) {
    if (last.has_value()) LL_RETURN_IF_ERROR(leave());
    Gathered& one = last.emplace(tenant, start_ms, end_ms, filter.limits);
    one.matchers = std::move(matchers);
    LL_RETURN_IF_ERROR(
        one.found.Gather(head_, windows_, one.matchers, /*with_samples=*/false, one.meter));
    index::SeriesMatcher matcher(one.matchers);
    for (const FoundSeries& series : one.found.series()) {
      LL_RETURN_IF_ERROR(one.meter.Step());
      absl::Status visited;
      const auto visit_version = [&](const model::EntityVersion* version) {
        return visit({*series.definition, version, one.matchers});
      };
      if (const FoundSet::OneSet set = one.found.OneSetOf(series); set.series != nullptr) {
        const bool lived = set.entity().end_ms >= start_ms;
        if (lived && set.series->matches) visited = visit_version(set.entity().version);
      } else if (const auto* const timeline = one.found.TimelineOf(series)) {
        timeline->AnyInForce(start_ms, end_ms, [&](const model::EntityVersion& version) {
          if (matcher.Matches(*series.definition, &version)) visited = visit_version(&version);
          return !visited.ok();
        });
      } else if (matcher.Matches(*series.definition, nullptr)) {
        visited = visit_version(nullptr);
      }
      LL_RETURN_IF_ERROR(visited);
    }
  }
  return absl::OkStatus();
}

absl::Status Reader::UseLabelNames(std::string_view tenant, const SeriesFilter& filter,
                                   TakeTexts take) const {
  CallMeter meter(filter.limits);
  index::SmallestTexts names(filter.limit, &meter);
  if (filter.selectors.empty()) {
    LL_RETURN_IF_ERROR(AllLabelNames(tenant, filter, names));
    return take(names.Sorted());
  }
  const index::LabelTable& table = index::LabelTable::Get();
  CallMeter seen_meter(filter.limits);
  SeenLabels seen;
  absl::flat_hash_set<VersionKey> seen_versions;
  const auto add = [&](const LabelSet& labels) {
    for (const Label& label : labels) names.Add(label.name);
  };
  std::optional<Gathered> last;
  const auto visit = [&](const Visited& visited) -> absl::Status {
    for (const index::LabelId id : visited.series.labels()) {
      if (!seen.Insert(id)) continue;
      LL_RETURN_IF_ERROR(seen_meter.Step(SeenLabels::kBytes));
      names.Add(table.View(id).name);
    }
    const model::EntityVersion* const version = visited.version;
    if (version == nullptr ||
        !seen_versions.emplace(version->id, version->valid_from_ms, version->revision).second) {
      return names.status();
    }
    LL_RETURN_IF_ERROR(seen_meter.Step(2 * sizeof(VersionKey)));
    add(version->labels);
    add(version->kubernetes_labels);
    return names.status();
  };
  LL_RETURN_IF_ERROR(VisitAll(tenant, filter, last, visit, kLeaveAll));
  return take(names.Sorted());
}

absl::Status Reader::UseLabelValues(std::string_view tenant, std::string_view name,
                                    const SeriesFilter& filter, TakeTexts take) const {
  CallMeter meter(filter.limits);
  index::SmallestTexts values(filter.limit, &meter);
  if (filter.selectors.empty()) {
    LL_RETURN_IF_ERROR(AllLabelValues(tenant, name, filter, values));
    return take(values.Sorted());
  }
  std::optional<Gathered> last;
  const auto visit = [&](const Visited& visited) {
    const std::string_view value = index::LabelValue(visited.series, visited.version, name);
    if (!value.empty()) values.Add(value);
    return values.status();
  };
  LL_RETURN_IF_ERROR(VisitAll(tenant, filter, last, visit, kLeaveAll));
  return take(values.Sorted());
}

absl::Status Reader::UseSeries(std::string_view tenant, const SeriesFilter& filter,
                               TakeSeries take) const {
  std::optional<Gathered> last;
  CallMeter meter(filter.limits);
  SeriesRows rows(filter.limit, meter);
  bool shown = false;  // what this selector names
  const auto visit = [&](const Visited& visited) {
    if (!std::exchange(shown, true)) {
      rows.Show(index::NamedKubernetesLabels(visited.matchers, {}));
    }
    return rows.Add(visited.series, visited.version);
  };
  const auto leave = [&] {
    shown = false;
    return rows.TakeOver();
  };
  LL_RETURN_IF_ERROR(VisitAll(tenant, filter, last, visit, leave));
  return take(rows.Sorted());
}

absl::StatusOr<std::vector<model::EntityVersion>> Reader::EntitiesAt(std::string_view tenant,
                                                                     int64_t t_ms) const {
  std::vector<index::TimelinePtr> timelines = head_.Timelines(tenant);
  for (const auto& window : windows_.Overlapping(t_ms, t_ms)) {
    LL_RETURN_IF_ERROR(window->dictionary().Timelines(tenant, timelines));
  }
  absl::flat_hash_map<Id128, index::TimelinePtr> by_entity;
  for (index::TimelinePtr& timeline : timelines) {
    index::TimelinePtr& known = by_entity[timeline->versions().front().id];
    if (known == nullptr) {
      known = std::move(timeline);
    } else if (!(*known == *timeline)) {
      auto merged = std::make_shared<model::EntityTimeline>(*known);
      merged->Merge(*timeline);
      known = std::move(merged);
    }
  }
  std::vector<model::EntityVersion> versions;
  for (const auto& [id, timeline] : by_entity) {
    if (timeline->LivedAt(t_ms)) versions.push_back(timeline->At(t_ms));
  }
  std::sort(versions.begin(), versions.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
  return versions;
}

}  // namespace leadline::collector::store::engine
