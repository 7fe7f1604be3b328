// Which group of an aggregation a series belongs to.
//
// A label set is looked at once, however many series share it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"

#include "collector/promql/exec/budget.h"
#include "collector/promql/exec/label_key.h"
#include "collector/promql/exec/series.h"
#include "common/labels.h"

namespace leadline::collector::promql::exec {

class Grouping {
 public:
  // By the named labels, or without them. The budget, which it charges for the labels that it
  // keeps until it goes, outlives it.
  Grouping(Budget& budget, bool without, std::vector<std::string> labels);

  // The number of the series' group, counting from 0 in order of appearance. RESOURCE_EXHAUSTED
  // where its labels would take more than the budget allows.
  absl::StatusOr<size_t> GroupOf(const StepSeries& series);

  size_t size() const { return groups_.size(); }
  const std::shared_ptr<const LabelSet>& labels(size_t group) const { return groups_[group]; }
  // Whether the name was dropped of any of its series.
  bool name_dropped(size_t group) const { return name_dropped_[group]; }

 private:
  LabelView Project(const StepSeries& series) const;

  Holding held_;
  bool without_;
  std::vector<std::string> labels_;  // sorted, each once
  LabelKeyMap<size_t> by_labels_;
  std::vector<std::shared_ptr<const LabelSet>> groups_;
  std::vector<bool> name_dropped_;  // one a group
  // The keys keep their label sets alive, so that an address means one set.
  absl::flat_hash_map<std::pair<std::shared_ptr<const LabelSet>, bool>, size_t> by_pointer_;
};

}  // namespace leadline::collector::promql::exec
