// Queryable's answers about labels as copies.
#include "collector/store/store.h"
#include "common/status_macros.h"

namespace leadline::collector::store {
namespace {

// What gives copies of what it is called with.
auto CopyTo(std::vector<std::string>& copies) {
  return [&copies](absl::Span<const std::string_view> texts) {
    copies.assign(texts.begin(), texts.end());
    return absl::OkStatus();
  };
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Queryable::LabelNames(std::string_view tenant,
                                                               const SeriesFilter& filter) const {
  std::vector<std::string> names;
  LL_RETURN_IF_ERROR(UseLabelNames(tenant, filter, CopyTo(names)));
  return names;
}

absl::StatusOr<std::vector<std::string>> Queryable::LabelValues(std::string_view tenant,
                                                                std::string_view name,
                                                                const SeriesFilter& filter) const {
  std::vector<std::string> values;
  LL_RETURN_IF_ERROR(UseLabelValues(tenant, name, filter, CopyTo(values)));
  return values;
}

absl::StatusOr<std::vector<LabelSet>> Queryable::Series(std::string_view tenant,
                                                        const SeriesFilter& filter) const {
  std::vector<LabelSet> sets;
  LL_RETURN_IF_ERROR(UseSeries(tenant, filter, [&](absl::Span<const SeriesView> series) {
    sets.reserve(series.size());
    for (const SeriesView& labels : series) {
      std::vector<Label> copies;
      copies.reserve(labels.size());
      for (const LabelView& label : labels) {
        copies.push_back({std::string(label.name), std::string(label.value)});
      }
      sets.emplace_back(std::move(copies));
    }
    return absl::OkStatus();
  }));
  return sets;
}

}  // namespace leadline::collector::store
