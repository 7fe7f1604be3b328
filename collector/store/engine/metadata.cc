// Reader's answers about names, values, series and entities, from the indices alone.
#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"

#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/found_series.h"
#include "collector/store/engine/reader.h"
#include "collector/store/index/visible_labels.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

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

 private:
  absl::flat_hash_set<index::LabelId> ids_;
};

}  // namespace

absl::Status Reader::VisitAll(std::string_view tenant, const SeriesFilter& filter,
                              const VisitSeries& visit) const {
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

  for (const index::Matchers& matchers : selectors) {
    FoundSet found(tenant, start_ms, end_ms);
    LL_RETURN_IF_ERROR(found.Gather(head_, windows_, matchers, /*with_samples=*/false));
    const auto visit_version = [&](const FoundSeries& series, const model::EntityVersion* version) {
      if (index::MatchesAll(matchers, *series.definition, version)) {
        visit(*series.definition, version, matchers);
      }
    };
    for (const FoundSeries& series : found.series()) {
      if (series.timeline == nullptr) {
        visit_version(series, nullptr);
        continue;
      }
      series.timeline->AnyInForce(start_ms, end_ms, [&](const model::EntityVersion& version) {
        visit_version(series, &version);
        return false;
      });
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> Reader::LabelNames(std::string_view tenant,
                                                            const SeriesFilter& filter) const {
  index::SmallestTexts names(filter.limit);
  if (filter.selectors.empty()) {
    LL_RETURN_IF_ERROR(AllLabelNames(tenant, filter.start_ms, filter.end_ms, names));
    return std::move(names).Take();
  }
  const index::LabelTable& table = index::LabelTable::Get();
  SeenLabels seen;
  absl::flat_hash_set<std::tuple<Id128, int64_t, uint64_t>> seen_versions;
  const auto add = [&](const LabelSet& labels) {
    for (const Label& label : labels) names.Add(label.name);
  };
  LL_RETURN_IF_ERROR(VisitAll(
      tenant, filter,
      [&](const index::Definition& series, const model::EntityVersion* version,
          const index::Matchers&) {
        for (const index::LabelId id : series.labels()) {
          if (seen.Insert(id)) names.Add(table.View(id).name);
        }
        if (version == nullptr ||
            !seen_versions.emplace(version->id, version->valid_from_ms, version->revision).second) {
          return;
        }
        add(version->labels);
        add(version->kubernetes_labels);
      }));
  return std::move(names).Take();
}

absl::StatusOr<std::vector<std::string>> Reader::LabelValues(std::string_view tenant,
                                                             std::string_view name,
                                                             const SeriesFilter& filter) const {
  index::SmallestTexts values(filter.limit);
  if (filter.selectors.empty()) {
    LL_RETURN_IF_ERROR(AllLabelValues(tenant, name, filter.start_ms, filter.end_ms, values));
    return std::move(values).Take();
  }
  LL_RETURN_IF_ERROR(VisitAll(tenant, filter,
                              [&](const index::Definition& series,
                                  const model::EntityVersion* version, const index::Matchers&) {
                                const std::string_view value =
                                    index::LabelValue(series, version, name);
                                if (!value.empty()) values.Add(value);
                              }));
  return std::move(values).Take();
}

absl::StatusOr<std::vector<LabelSet>> Reader::Series(std::string_view tenant,
                                                     const SeriesFilter& filter) const {
  const auto visit = [&](const std::function<void(LabelSet)>& take) {
    return VisitAll(
        tenant, filter,
        [&](const index::Definition& series, const model::EntityVersion* version,
            const index::Matchers& matchers) {
          take(index::VisibleLabels(series, version, index::NamedKubernetesLabels(matchers, {})));
        });
  };
  if (filter.limit == 0) {
    std::vector<LabelSet> all;
    LL_RETURN_IF_ERROR(visit([&](LabelSet labels) { all.push_back(std::move(labels)); }));
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  }
  std::set<LabelSet> first;  // no more than are wanted
  LL_RETURN_IF_ERROR(visit([&](LabelSet labels) {
    if (first.size() == filter.limit && !(labels < *first.rbegin())) return;
    first.insert(std::move(labels));
    if (first.size() > filter.limit) first.erase(std::prev(first.end()));
  }));
  return std::vector<LabelSet>(first.begin(), first.end());
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
