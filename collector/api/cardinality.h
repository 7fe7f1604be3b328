// What makes a store large: how many series and values each metric and label has.
//
// Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "common/labels.h"

namespace leadline::collector::api {

struct NamedCount {
  std::string name;
  uint64_t value = 0;
  bool operator==(const NamedCount&) const = default;
};

// Each list from the largest count, equal ones by name.
struct Cardinality {
  uint64_t label_pairs = 0;  // different ones
  std::vector<NamedCount> series_by_metric;
  std::vector<NamedCount> values_by_label;
  std::vector<NamedCount> bytes_by_label;  // of its different values
  std::vector<NamedCount> series_by_pair;  // "name=value"
};

// The first `top` of each list.
Cardinality CountLabels(absl::Span<const LabelSet> series, size_t top);

}  // namespace leadline::collector::api
