#include "collector/api/cardinality.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace leadline::collector::api {
namespace {

std::vector<NamedCount> Top(std::vector<NamedCount> counts, size_t top) {
  const auto larger = [](const NamedCount& a, const NamedCount& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  };
  const size_t kept = std::min(top, counts.size());
  std::partial_sort(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(kept),
                    counts.end(), larger);
  counts.resize(kept);
  return counts;
}

}  // namespace

void LabelCounter::Add(absl::Span<const SeriesView> series) {
  series_ += series.size();
  for (const SeriesView& labels : series) {
    for (const LabelView& label : labels) ++series_of_pair_[label.name][label.value];
  }
}

Cardinality LabelCounter::Largest(size_t top) const {
  uint64_t pairs = 0;
  std::vector<NamedCount> by_metric;
  std::vector<NamedCount> by_pair;
  std::vector<NamedCount> by_label;
  std::vector<NamedCount> bytes_by_label;
  for (const auto& [name, values] : series_of_pair_) {
    pairs += values.size();
    uint64_t bytes = 0;
    std::vector<NamedCount> of_label;
    for (const auto& [value, count] : values) {
      bytes += value.size();
      of_label.push_back({value, count});
    }
    of_label = Top(std::move(of_label), top);
    if (name == kMetricName) by_metric = of_label;
    for (const NamedCount& of_value : of_label) {
      by_pair.push_back({fmt::format("{}={}", name, of_value.name), of_value.value});
    }
    by_label.push_back({name, values.size()});
    bytes_by_label.push_back({name, bytes});
  }
  return {.label_pairs = pairs,
          .series_by_metric = std::move(by_metric),
          .values_by_label = Top(std::move(by_label), top),
          .bytes_by_label = Top(std::move(bytes_by_label), top),
          .series_by_pair = Top(std::move(by_pair), top)};
}

}  // namespace leadline::collector::api
