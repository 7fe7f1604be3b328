// What makes a store large: how many series and values each metric and label has.
//
// Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

#include "common/labels.h"
#include "common/string_map.h"

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

// Holds each value of each label once, and none of the series.
class LabelCounter {
 public:
  using SeriesView = absl::Span<const LabelView>;
  void Add(absl::Span<const SeriesView> series);

  uint64_t series() const { return series_; }
  // The first `top` of each list.
  Cardinality Largest(size_t top) const;

 private:
  uint64_t series_ = 0;
  StringMap<StringMap<uint64_t>> series_of_pair_;  // by name, by value
};

}  // namespace leadline::collector::api
