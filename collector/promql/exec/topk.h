// topk and bottomk: of each group the k series with the largest (smallest) values at each step.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "collector/promql/exec/context.h"
#include "collector/promql/exec/grouping.h"
#include "collector/promql/exec/series.h"
#include "collector/promql/parse/ast.h"

namespace leadline::collector::promql::exec {

class TopK {
 public:
  // `k` has a value a step; below 1 there is nothing at that step.
  // REQUIRES: `aggregate` is topk or bottomk.
  TopK(Context& context, const parse::Aggregate& aggregate, std::vector<int64_t> k);

  absl::Status Add(StepSeries series);

  // Group by group. Of an instant query each group in order of value, NaN last.
  absl::Status Finish(Emit emit);

 private:
  struct Entry {
    double value = 0;
    size_t series = 0;  // index of kept_
  };
  struct Kept {
    std::shared_ptr<const LabelSet> labels;
    bool name_dropped = false;
  };
  // The worst entry first. Of equal values the series that came later is the worse.
  struct Group {
    std::vector<std::vector<Entry>> heaps;  // one a step
    // The value of each heap's worst entry, once there are k: what is no better need not be
    // offered. NaN, than which nothing is no better, while there are less.
    std::vector<double> bars;
  };

  static constexpr uint64_t kStepBytes = sizeof(std::vector<Entry>) + sizeof(double);

  bool Better(const Entry& a, const Entry& b) const;
  // Whether a value is surely no better than the bar.
  bool IsBelow(double value, double bar) const { return largest_ ? value <= bar : value >= bar; }
  // Whether the entry is among the k best so far.
  bool Offer(std::vector<Entry>& heap, int64_t k, const Entry& entry) const;
  absl::Status Charge(uint64_t entries);
  absl::Status FinishGroup(Group& group, Emit emit);

  Holding held_;
  const Remarker remarker_;
  const bool largest_;
  Grouping grouping_;
  const std::vector<int64_t> k_;
  std::vector<Group> groups_;
  std::vector<Kept> kept_;
};

}  // namespace leadline::collector::promql::exec
