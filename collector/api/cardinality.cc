#include "collector/api/cardinality.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
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

Cardinality CountLabels(absl::Span<const LabelSet> series, size_t top) {
  using Pair = std::pair<std::string_view, std::string_view>;
  absl::flat_hash_map<Pair, uint64_t> series_of_pair;
  for (const LabelSet& labels : series) {
    for (const Label& label : labels) ++series_of_pair[{label.name, label.value}];
  }
  absl::flat_hash_map<std::string_view, std::pair<uint64_t, uint64_t>> values;  // number, bytes
  std::vector<NamedCount> by_metric;
  std::vector<NamedCount> by_pair;
  for (const auto& [pair, count] : series_of_pair) {
    const auto& [name, value] = pair;
    auto& [number, bytes] = values[name];
    ++number;
    bytes += value.size();
    by_pair.push_back({fmt::format("{}={}", name, value), count});
    if (name == kMetricName) by_metric.push_back({std::string(value), count});
  }
  std::vector<NamedCount> by_label;
  std::vector<NamedCount> bytes_by_label;
  for (const auto& [name, of_values] : values) {
    by_label.push_back({std::string(name), of_values.first});
    bytes_by_label.push_back({std::string(name), of_values.second});
  }
  return {.label_pairs = series_of_pair.size(),
          .series_by_metric = Top(std::move(by_metric), top),
          .values_by_label = Top(std::move(by_label), top),
          .bytes_by_label = Top(std::move(bytes_by_label), top),
          .series_by_pair = Top(std::move(by_pair), top)};
}

}  // namespace leadline::collector::api
